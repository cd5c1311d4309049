"""What stands in for a watched process: a session in a folder, and its log in a list."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from gputune.inject.guard import Guard
from gputune.inject.watch import Watch
from gputune.session.folder import Options, SessionFolder


class MemoryLog:
    """Takes events as the session's log does, and keeps them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.full = False

    def write(self, event: str, **fields: Any) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.events.append({"event": event, **fields})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]


def watch_in(folder: Path) -> tuple[Watch, MemoryLog]:
    """A Watch whose session lies in `folder`."""
    session = SessionFolder(folder)
    session.create(Options())
    log = MemoryLog()
    return Watch(session, Options(), log, Guard(log)), log  # type: ignore[arg-type]


class Clock:
    """A clock that stands still unless something takes time."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class TimedIterator:
    """Each batch takes its time on the clock; then the data ends."""

    def __init__(self, clock: Clock, *seconds: float, forever: float | None = None) -> None:
        self._clock = clock
        self._seconds = iter(seconds)
        if forever is not None:
            self._seconds = itertools.chain(seconds, itertools.repeat(forever))
        self.taken = 0

    def get_next(self) -> int:
        self._clock.now += next(self._seconds)
        self.taken += 1
        return self.taken
