"""Which trace file is meant by a path: a file, or a folder that the profiler wrote into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gputune.trace.xplane import UnreadableTrace

_TRACES: Final = "*.xplane.pb"
# The folder itself is a run; a logdir; Keras' TensorBoard callback puts its own below `train`.
_PLACES: Final = ("", "plugins/profile/*/", "*/plugins/profile/*/", "profile/*/", "*/")
_GIVE: Final = "give an .xplane.pb file, or the logdir that the profiler wrote into"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The file to read; `notes` says what was passed over."""

    file: Path
    notes: tuple[str, ...] = ()


def choose(path: Path) -> Chosen:
    """The file itself, or the newest run's under a folder, the first of its hosts by name.

    Raises UnreadableTrace where there is nothing at `path`, or a folder holds no trace.
    """
    try:
        if not path.is_dir():
            if path.exists():
                return Chosen(file=path)
            raise UnreadableTrace(f"{path} does not exist", _GIVE)
        return _newest(path)
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        if isinstance(error, UnreadableTrace):
            raise
        words = getattr(error, "strerror", None) or error
        raise UnreadableTrace(f"cannot read {path}: {words}", _GIVE) from error


def _newest(folder: Path) -> Chosen:
    runs: dict[Path, list[Path]] = {}
    for place in _PLACES:
        for file in folder.glob(place + _TRACES):
            runs.setdefault(file.parent, []).append(file)
        if runs:
            break
    if not runs:
        json = next(folder.rglob("*.trace.json.gz"), None)
        raise UnreadableTrace(
            f"{folder} holds no .xplane.pb file",
            _GIVE if json is None else f"{json.name} is no XPlane file; {_GIVE}",
        )

    def written(run: Path) -> tuple[int, str]:
        return max(file.stat().st_mtime_ns for file in runs[run]), run.name

    run = max(runs, key=written)
    file, *others = sorted(runs[run])
    notes = []
    if others:
        left = ", ".join(other.name for other in others)
        notes.append(
            f"the run {run.name} has traces of {len(others) + 1} hosts: {file.name} was read, "
            f"{left} not"
        )
    if len(runs) > 1:
        notes.append(f"the newest of {len(runs)} runs was read: {run.name}")
    return Chosen(file=file, notes=tuple(notes))
