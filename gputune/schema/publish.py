"""The JSON Schemas that the package carries: `python -m gputune.schema.publish` writes them.

They are made from the records, so that the two cannot disagree; a test compares the committed
files with what this module would write.
"""

from __future__ import annotations

import json
from pathlib import Path

from gputune.schema.check import CheckReport
from gputune.schema.comparison import Comparison
from gputune.schema.doctor import DoctorReport
from gputune.schema.profile import Profile
from gputune.schema.read import json_schema
from gputune.schema.study import Study
from gputune.schema.trace import TraceReport

FOLDER = Path(__file__).parent / "json"
PUBLISHED: dict[str, type] = {
    "profile.schema.json": Profile,
    "study.schema.json": Study,
    "trace.schema.json": TraceReport,
    "comparison.schema.json": Comparison,
    "doctor.schema.json": DoctorReport,
    "check.schema.json": CheckReport,
}


def schema_text(kind: type) -> str:
    """The JSON Schema of a record as the text of its file, ending in a newline."""
    return json.dumps(json_schema(kind), indent=1, ensure_ascii=False) + "\n"


def publish(folder: Path = FOLDER) -> list[Path]:
    """Write every schema into `folder`; returns the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, kind in PUBLISHED.items():
        path = folder / name
        path.write_text(schema_text(kind), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for path in publish():
        print(path)
