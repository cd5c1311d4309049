"""The append-only log: JSON lines, each event whole or not there at all.

One event is one line, written with a single `os.write` on a descriptor opened with O_APPEND, so
that a killed child leaves every earlier event readable; a cut-off last line is skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FIRST_FD = 200


class EventLog:
    """The child's end: `write` one event at a time."""

    def __init__(self, path: Path) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Out of the way: the script's own first file is descriptor 3, as in a bare run.
            self._fd: int | None = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FD)
        except OSError:
            self._fd = fd  # a process that may not have so many descriptors
        else:
            os.close(fd)

    def write(self, event: str, **fields: Any) -> None:
        """Append one event. A value that is no JSON is written as its `str`."""
        if self._fd is None:
            return
        line = json.dumps({"event": event, **fields}, default=str, separators=(",", ":"))
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        """Close the descriptor; later writes are dropped."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class MemoryLog(EventLog):
    """A log of a process that nobody watches: kept, and written nowhere.

    Like the file, it holds no more than what JSON can: records are not kept alive by it.
    """

    def __init__(self) -> None:
        self._fd = None
        self.events: list[dict[str, Any]] = []

    def write(self, event: str, **fields: Any) -> None:
        """Keep one event."""
        self.events.append(json.loads(json.dumps({"event": event, **fields}, default=str)))


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events written so far, oldest first; lines that are cut off or damaged are skipped."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                yield event


class EventTail:
    """The parent's end while the child runs: each call yields what is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> list[dict[str, Any]]:
        """The whole events that were appended since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                chunk = file.read()
        except FileNotFoundError:
            return []
        whole, newline, _ = chunk.rpartition(b"\n")
        if not newline:
            return []
        self._offset += len(whole) + 1
        events = []
        for line in whole.split(b"\n"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                events.append(event)
        return events
