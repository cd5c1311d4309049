"""Look at a saved record again."""

from __future__ import annotations

import os
from pathlib import Path

from gputune.schema.read import AnyRecord, read_record


def load(path: str | os.PathLike[str]) -> AnyRecord:
    """Read a report's JSON: a Profile, a Study, a Comparison, a TraceReport or a CheckReport.

    Raises `UnreadableRecord` for anything that is none.
    """
    return read_record(Path(path))
