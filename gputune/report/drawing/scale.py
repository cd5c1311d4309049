"""From values to places in a drawing, and the round values that an axis is labelled with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_LOGARITHMIC_FROM: Final = 30.0  # largest over smallest: the first step compiles and takes seconds
_MOST: Final = 0.98
_ROOM: Final = 1.3  # above the value that most lie below
_CUT_OFF_FROM: Final = 2.0
_ROUND: Final = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A label of an axis: its text and its place in the units of the drawing."""

    text: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`low` and `high` are drawn at `start` and `end`; what lies outside is drawn at the edge."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value, rounded to a tenth."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        part = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(
        self, text: Callable[[float], str], most: int, *, binary: bool = False
    ) -> tuple[Tick, ...]:
        """At most about so many labels, at values that are round inside the scale.

        With `binary` they are round in units of 1024, as bytes are counted.
        """
        values = _decades(self.low, self.high) if self.logarithmic else ()
        if not values:
            unit = 1024.0 ** int(math.log(self.high, 1024)) if binary and self.high > 1 else 1.0
            found = round_values(self.low / unit, self.high / unit, most)
            values = tuple(value * unit for value in found)
        return tuple(Tick(text=text(value), at=self(value)) for value in values)


def upright(values: Sequence[float], *, top: float, bottom: float) -> Scale:
    """A vertical scale for these values: from 0, or logarithmic where they lie far apart."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= _LOGARITHMIC_FROM:
        return Scale(low=low / 1.3, high=high * 1.3, start=bottom, end=top, logarithmic=True)
    margin = 1.08 if high > 0 else 1.0
    return Scale(low=min(0.0, low), high=high * margin, start=bottom, end=top)


def upright_to_most(values: Sequence[float], *, top: float, bottom: float) -> Scale:
    """A vertical scale from 0 for most of these values; a few that lie far above are cut off.

    The first steps compile and take seconds: on an axis for them no other would be told apart.
    """
    ordered = sorted(values)
    most = ordered[int(_MOST * (len(ordered) - 1))] * _ROOM
    high = most if most > 0 and ordered[-1] > _CUT_OFF_FROM * most else ordered[-1] * 1.08
    return Scale(low=min(0.0, ordered[0]), high=high or 1.0, start=bottom, end=top)


def round_values(low: float, high: float, most: int) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten that lie in [low, high], at most `most` or so."""
    if not high > low:
        return (low,)
    raw = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in _ROUND if power * factor >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1))


def _decades(low: float, high: float) -> tuple[float, ...]:
    """The powers of ten in [low, high]; none where there are fewer than two."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    found = tuple(10.0**power for power in range(first, last + 1))
    return found if len(found) > 1 else ()
