"""Removes what `cache(file)` leaves behind when the script is ended before its first epoch is.

TensorFlow writes `<prefix>_<n>.lockfile` and `<prefix>_<n>.data-….tempstate<number>` while it
fills a cache, and refuses to start where a lock file lies about.
"""

from __future__ import annotations

import contextlib
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gputune.session import events as names

_LEFTOVER = re.compile(r"_\d+\.lockfile|(?:_\d+)?\.(?:data-\d+-of-\d+|index)\.tempstate\d+")
"""What follows the cache's prefix in the name of a file that may be removed."""

_CLOCK_SLACK_S = 2.0
"""A file system's time stamps may be coarser than our clock (2 s on FAT) and a little behind it."""


def remove_leftovers(
    events: Iterable[Mapping[str, Any]], *, since_epoch_s: float | None = None
) -> list[Path]:
    """Remove the temporary files that the session's `cleanup` events name; return the removed.

    A `path` is such a file itself or the prefix given to `cache`. Only a regular file that has
    TensorFlow's name for a lock or a temporary state, and that was last written after the session
    began, is removed. The beginning is `since_epoch_s` (seconds, as `time.time()`) or, without
    it, the time of the `start` event; where there is neither, nothing is removed. To be called
    when the script has ended. A file that cannot be removed is left.
    """
    paths: list[str] = []
    for event in events:
        if event.get("event") == names.START and since_epoch_s is None:
            since_epoch_s = _epoch_s(event)
        elif event.get("event") == names.CLEANUP and isinstance(event.get("path"), str):
            paths.append(event["path"])
    if since_epoch_s is None:
        return []
    removed = []
    for path in dict.fromkeys(paths):
        for candidate in _candidates(Path(path)):
            if _written_since(candidate, since_epoch_s - _CLOCK_SLACK_S):
                with contextlib.suppress(OSError):
                    candidate.unlink()
                    removed.append(candidate)
    return removed


def _candidates(path: Path) -> Iterator[Path]:
    """The path itself, if it has a leftover's name, else the leftovers of the cache `path`."""
    # search, anchored at the end: the prefix may be anything.
    if re.search(rf"(?:{_LEFTOVER.pattern})\Z", path.name):
        yield path
        return
    try:
        entries = sorted(path.parent.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(path.name) and _LEFTOVER.fullmatch(entry.name[len(path.name) :]):
            yield entry


def _written_since(path: Path, epoch_s: float) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_mtime >= epoch_s


def _epoch_s(start: Mapping[str, Any]) -> float | None:
    """When the `start` event was written, in seconds as `time.time()`."""
    epoch_ns = start.get("epoch_ns")
    if isinstance(epoch_ns, int):
        return epoch_ns / 1e9
    t = start.get("t")
    if isinstance(t, int | float):
        return time.time() - (time.perf_counter() - t)
    return None
