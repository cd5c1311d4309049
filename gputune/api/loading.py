"""Look at a saved record again."""

from __future__ import annotations

import os
from pathlib import Path

from gputune.schema.read import AnyRecord, read_record


def load(path: str | os.PathLike[str]) -> AnyRecord:
    """Read a report's JSON: what `profile`, `tune`, `trace`, `compare`, `check`, `doctor` wrote.

    Raises `UnreadableRecord` for anything that is none.
    """
    return read_record(Path(path))
