"""Where Keras' callbacks write: folders that are not there, and files of the last run."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gputune.checks.script.callbacks.facts import Writing
from gputune.checks.script.reading import is_kind
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

_WRITERS = {
    # class: (attribute that holds the path, whether it makes the folder itself)
    "ModelCheckpoint": ("filepath", True),
    "CSVLogger": ("filename", False),
    "TensorBoard": ("log_dir", True),
    "BackupAndRestore": ("backup_dir", True),
}
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_VERSION = re.compile(
    r"\d{6,}|\d{4}-\d\d-\d\d|[0-9a-f]{8}-?[0-9a-f]{4}|(?:^|[/_.-])(?:run|version|v)[_-]?\d+"
)
"""What tells one run's files from the next one's: a date, a time, an id, a number of the run."""
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def writing(callback: Any, scratch: Path, made: Site | None) -> Writing | None:
    """Where a callback of Keras' writes; None for another, and for an address on the network.

    Dry mode has sent its path to the folder `scratch`: the script's own path is put back here.
    """
    for kind, (attribute, makes) in _WRITERS.items():
        if not is_kind(callback, kind):
            continue
        given = getattr(callback, attribute, None)
        if given is None:
            return None
        path = own_path(os.fsdecode(given), scratch)
        if _REMOTE.match(path):
            return None
        folder = path if kind in ("TensorBoard", "BackupAndRestore") else os.path.dirname(path)
        # A folder whose name has a placeholder is made when its epoch comes.
        folder = _PLACEHOLDER.split(folder)[0]
        return Writing(
            kind=kind, path=path, makes_folder=makes, folder=folder,
            problem=problem_with(folder, makes=makes), exists=_exists(path, kind),
            appends=bool(getattr(callback, "append", False)), site=made,
        )  # fmt: skip
    return None


def own_path(path: str, scratch: Path) -> str:
    """The path that the script gave, of one that dry mode has put into its place."""
    mirror = str(scratch / "files")
    return path.removeprefix(mirror) if path.startswith(mirror + os.sep) else path


def problem_with(folder: str, *, makes: bool) -> str:
    """Why nothing can be written into a folder; `makes` says that it is made where missing."""
    place = Path(folder)
    if place.exists() and not place.is_dir():
        return f"{folder} is a file"
    if not place.is_dir():
        if not makes:
            return f"{folder} does not exist"
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            return f"{place} is a file"
    if not os.access(place, os.W_OK | os.X_OK):
        return f"{place} is not writable"
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return f"{place} is on a read-only file system"
    return ""


def findings(found: Writing) -> Iterator[Finding]:
    """What stands in the way of writing, or is lost by it. Pure."""
    if found.problem:
        yield Finding(
            id="callback-folder",
            severity=Severity.PROBLEM,
            title=f"{found.kind} cannot write to {found.path}: {found.problem}.",
            remedy=f"Make it before fit: os.makedirs({found.folder!r}, exist_ok=True)."
            if found.problem.endswith("does not exist")
            else "Name a folder that this user may write to.",
            site=found.site,
        )
    elif found.kind in _OVERWRITING and not found.appends and not _has_version(found.path):
        yield _overwrites(found)


_OVERWRITING = ("ModelCheckpoint", "CSVLogger")


def _has_version(path: str) -> bool:
    """Whether the name, or the two folders that it lies in, differ from run to run."""
    return _VERSION.search("/".join(Path(path).parts[-3:])) is not None


def _overwrites(found: Writing) -> Finding:
    what = "checkpoints" if found.kind == "ModelCheckpoint" else "log"
    there = "files of an earlier run are there" if found.exists else "nothing is there yet"
    return Finding(
        id="checkpoint-overwrites" if found.kind == "ModelCheckpoint" else "log-overwrites",
        severity=Severity.WARNING if found.exists else Severity.NOTE,
        title=f"{found.kind} writes to the same name in every run: the next run overwrites the "
        f"{what} of this one.",
        evidence=(f"{found.path}; {there}",),
        remedy="Put the run's time into the path: "
        "time.strftime('%Y%m%d-%H%M%S'), as in "
        f"{_versioned(found.path)}" + (", or append=True." if found.kind == "CSVLogger" else "."),
        site=found.site,
    )


def _versioned(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(os.path.basename(folder), "20270131-120000", name)


def _exists(path: str, kind: str) -> bool:
    if kind in ("TensorBoard", "BackupAndRestore"):
        return os.path.isdir(path) and bool(os.listdir(path))
    pattern = "*".join(glob.escape(part) for part in _PLACEHOLDER.split(path))
    return any(True for _ in glob.iglob(pattern))
