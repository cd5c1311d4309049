"""Ratios with their intervals on one logarithmic scale, in percent of its width; 1 is in view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gputune.report.drawing.scale import Scale

_FARTHEST: Final = 8.0
"""What lies beyond 8 times more or less is drawn at the edge: it would flatten all the others."""
_MARGIN: Final = 1.02


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A ratio as a point between `low` and `high`; `one` is where 1 lies. All in percent."""

    low: float
    middle: float
    high: float
    one: float


def intervals(
    ratios: Sequence[tuple[float | None, tuple[float, float] | None]],
) -> list[Interval | None]:
    """The drawing of each (ratio, its 95 % interval); None where there is no ratio above 0.

    A ratio without an interval is a point alone.
    """
    known = [end for ratio, ci95 in ratios for end in (ratio, *(ci95 or ())) if _drawable(end)]
    if not known:
        return [None for _ in ratios]
    low = max(min(*known, 1.0), 1 / _FARTHEST) / _MARGIN
    high = min(max(*known, 1.0), _FARTHEST) * _MARGIN
    at = Scale(low=low, high=high, start=0.0, end=100.0, logarithmic=True)
    found: list[Interval | None] = []
    for ratio, ci95 in ratios:
        if ratio is None or not _drawable(ratio):
            found.append(None)
            continue
        ends = ci95 if ci95 is not None and all(map(_drawable, ci95)) else (ratio, ratio)
        found.append(Interval(low=at(ends[0]), middle=at(ratio), high=at(ends[1]), one=at(1.0)))
    return found


def _drawable(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
