"""What a GPU's energy counter says of stretches of time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gputune.sensors.protocol import Point

TOO_SHORT: Final = "the clean phase is too short for the driver's energy counter"
SHORTEST_S: Final = 0.1
"""Of all windows together: the counter moves in steps of 20 to 100 ms."""
FEWEST_UPDATES: Final = 2

Window = tuple[float, float]


@dataclass(frozen=True)
class Energy:
    """The mean power over the windows in watts, and the seconds of them that were known."""

    power_w: float
    known_s: float


def energy_in(counter: Sequence[Point], windows: Sequence[Window]) -> Energy | str:
    """Return what a counter of millijoules grew by in the windows, or why it cannot be said.

    Between two updates the counter is taken to grow evenly. Where it fell (it wrapped, or the
    driver was loaded again) that stretch is unknown, as is what lies before the first update and
    after the last; the mean is over the rest.
    """
    updates = _updates(counter)
    known_s = grown_mj = 0.0
    for (t0, v0, _), (t1, v1, _) in pairwise(updates):
        if v1 < v0:
            continue
        inside_s = sum(max(0.0, min(end, t1) - max(start, t0)) for start, end in windows)
        known_s += inside_s
        grown_mj += (v1 - v0) * inside_s / (t1 - t0)
    within = sum(any(start <= one.t < end for start, end in windows) for one in updates)
    if known_s < SHORTEST_S or within < FEWEST_UPDATES:
        return TOO_SHORT
    return Energy(power_w=grown_mj / 1000 / known_s, known_s=known_s)


def _updates(counter: Sequence[Point]) -> list[Point]:
    """The points at which a new value was seen; polled more often, the old one comes again."""
    found: list[Point] = []
    for point in counter:
        if not found or (point.value != found[-1].value and point.t > found[-1].t):
            found.append(point)
    return found
