"""A figure over time as the points of a line, for the page's template to draw as inline SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gputune.report import figures
from gputune.report.rows import finite
from gputune.schema.profile import Series

WIDTH: Final = 720
HEIGHT: Final = 160
_LEFT: Final = 72  # room for the labels of the vertical axis
_RIGHT: Final = 8
_TOP: Final = 8
_BOTTOM: Final = 22
_LOGARITHMIC_FROM: Final = 30.0  # largest over smallest: the first step compiles and takes seconds


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A label of an axis: its text and its place in the units of the drawing."""

    text: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A line to draw: `lines` are SVG point lists, apart where values are missing between."""

    title: str
    summary: str
    lines: tuple[str, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True)
class _Scale:
    """From values to places; `low` and `high` are drawn at `start` and `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        part = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + part * (self.end - self.start), 1)


def chart(series: Series) -> Chart | None:
    """Return the drawing of a series, or None where fewer than two of its values are finite."""
    points = [
        (t_s, value)
        for t_s, value in zip(series.t_s, series.value, strict=False)
        if finite(t_s) is not None
    ]
    known = [value for _, value in points if finite(value) is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    logarithmic = low > 0 and high / low >= _LOGARITHMIC_FROM
    down = _Scale(low if logarithmic else min(0.0, low), high, HEIGHT - _BOTTOM, _TOP, logarithmic)
    times = [t_s for t_s, _ in points]
    along = _Scale(min(times), max(times), _LEFT, WIDTH - _RIGHT)
    middle = math.sqrt(low * high) if logarithmic else (down.low + high) / 2
    title = series.name + (" (logarithmic)" if logarithmic else "")
    return Chart(
        title=title,
        summary=(
            f"{title}: {len(known)} values from {figures.quantity(low, series.name)} "
            f"to {figures.quantity(high, series.name)}"
        ),
        lines=_lines(points, along, down),
        across=tuple(
            Tick(text=figures.seconds(t_s), at=along(t_s)) for t_s in (min(times), max(times))
        ),
        up=tuple(
            Tick(text=figures.quantity(value, series.name), at=down(value))
            for value in dict.fromkeys((down.low, middle, high))
        ),
    )


def _lines(points: list[tuple[float, float]], along: _Scale, down: _Scale) -> tuple[str, ...]:
    runs: list[list[str]] = [[]]
    for t_s, value in points:
        if finite(value) is None:
            runs.append([])
        else:
            runs[-1].append(f"{along(t_s)},{down(value)}")
    return tuple(" ".join(run) for run in runs if run)
