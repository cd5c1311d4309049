"""Keeps what the sensors read, in little memory, however long the script runs."""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Iterable, Iterator

from gputune.sensors.protocol import Point, Reading

_MOST = 20_000
"""Points kept of one metric of one GPU: a quarter of an hour at 20 Hz, 24 bytes each."""


class Timeline:
    """The points of one metric, oldest first. Beyond the limit every second one is dropped."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._t, self._value, self._since = array("d"), array("d"), array("d")

    def append(self, point: Point) -> None:
        """Add a point that is later than those before."""
        self._t.append(point.t)
        self._value.append(point.value)
        self._since.append(math.nan if point.since is None else point.since)
        if len(self._t) > self._most:
            # The newest one stays.
            self._t, self._value, self._since = (
                column[len(column) % 2 == 0 :: 2] for column in (self._t, self._value, self._since)
            )

    def __iter__(self) -> Iterator[Point]:
        for t, value, since in zip(self._t, self._value, self._since, strict=True):
            yield Point(t, value, None if math.isnan(since) else since)


class Timelines:
    """A timeline for each GPU and metric; filled by one thread and read by another."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str], Timeline] = {}
        self._lock = threading.Lock()

    def extend(self, readings: Iterable[Reading]) -> None:
        """Add readings."""
        with self._lock:
            for index, metric, point in readings:
                key = (index, metric)
                if key not in self._lines:
                    self._lines[key] = Timeline()
                self._lines[key].append(point)

    def points(self) -> dict[tuple[int, str], tuple[Point, ...]]:
        """Return all points so far."""
        with self._lock:
            return {key: tuple(line) for key, line in self._lines.items()}
