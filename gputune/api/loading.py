"""Look at a saved record again."""

from __future__ import annotations

import os
from pathlib import Path

from gputune.schema.profile import Profile
from gputune.schema.read import read_record


def load(path: str | os.PathLike[str]) -> Profile:
    """Read a report's JSON; raises `UnreadableRecord` for anything that is none."""
    return read_record(Path(path))
