"""A study's trials: their figures one after the other, and when each of them ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gputune.report import figures
from gputune.report.drawing.scale import Scale, Tick
from gputune.report.drawing.timeline import NARROW, WIDE
from gputune.report.study_rows import best_so_far
from gputune.schema.study import Trial

_HEIGHT: Final = 220.0
_TOP: Final = 10.0
_AXIS: Final = 24.0
_RIGHT: Final = 12.0
_ROW: Final = 12.0


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A trial in the history: its place and its title."""

    x: float
    y: float
    state: str
    title: str


@dataclass(frozen=True, kw_only=True)
class History:
    """The trials in their order, and the best so far as the points of an SVG line."""

    width: int
    height: float
    left: float
    right: float
    dots: tuple[Dot, ...]
    best: str
    up: tuple[Tick, ...]
    across: tuple[Tick, ...]
    summary: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """When a trial ran: where its bar begins and how long it is, in units of the drawing."""

    x: float
    width: float
    y: float
    state: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """The trials over time, one below the other."""

    width: int
    height: float
    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]


def histories(trials: Sequence[Trial]) -> tuple[History, ...]:
    """The drawing for a wide page and for a narrow one; none with fewer than two figures."""
    if sum(trial.samples_per_s is not None for trial in trials) < 2:
        return ()
    return tuple(_history(trials, width) for width in (WIDE, NARROW))


def _history(trials: Sequence[Trial], width: int) -> History:
    left = 66.0 if width == WIDE else 54.0
    high = max(trial.samples_per_s or 0.0 for trial in trials)
    up = Scale(low=0.0, high=high * 1.05 or 1.0, start=_HEIGHT - _AXIS, end=_TOP)
    along = Scale(low=0, high=max(len(trials) - 1, 1), start=left + 6, end=width - _RIGHT)
    best: list[str] = []
    height: float | None = None
    for index, value in enumerate(best_so_far(trials)):
        if value is None:
            continue
        if height is not None:  # the best so far stays until a better one was measured
            best.append(f"{along(index):g},{height:g}")
        height = up(value)
        best.append(f"{along(index):g},{height:g}")
    every = max(1, -(-len(trials) // (12 if width == WIDE else 6)))
    return History(
        width=width, height=_HEIGHT, left=left, right=width - _RIGHT,
        dots=tuple(
            Dot(x=along(i), y=up(t.samples_per_s or 0.0), state=t.state, title=_titled(t))
            for i, t in enumerate(trials)
        ),
        best=" ".join(best),
        up=up.ticks(figures.count, 4),
        across=tuple(
            Tick(text=str(trial.number), at=along(index))
            for index, trial in enumerate(trials)
            if index % every == 0
        ),
        summary=f"{len(trials)} trials, the best at {figures.rate(high, 'samples')}",
    )  # fmt: skip


def timetables(trials: Sequence[Trial]) -> tuple[Timetable, ...]:
    """When each trial ran, for a wide page and for a narrow one; none where no time went by."""
    end = max((trial.began_s + trial.duration_s for trial in trials), default=0.0)
    if end <= 0:
        return ()
    return tuple(_timetable(trials, end, width) for width in (WIDE, NARROW))


def _timetable(trials: Sequence[Trial], end: float, width: int) -> Timetable:
    along = Scale(low=0.0, high=end, start=6.0, end=width - _RIGHT)
    bars = tuple(
        Bar(
            x=along(trial.began_s),
            width=max(round(along(trial.began_s + trial.duration_s) - along(trial.began_s), 1), 1),
            y=_TOP + _ROW * index,
            state=trial.state,
            title=f"trial {trial.number}: {figures.seconds(trial.duration_s)}, {trial.state}",
        )
        for index, trial in enumerate(trials)
    )
    return Timetable(
        width=width, height=_TOP + _ROW * len(trials) + _AXIS, bars=bars,
        across=along.ticks(figures.seconds, 8 if width == WIDE else 3),
    )  # fmt: skip


def _titled(trial: Trial) -> str:
    said = figures.rate(trial.samples_per_s, "samples") if trial.samples_per_s else trial.reason
    return f"trial {trial.number}: {said}"
