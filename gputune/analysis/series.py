"""Figures over time, thinned for a plot: the steps, the phases, what the sensors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final, TypeVar

from gputune.analysis.run import FitRun, Row
from gputune.schema.profile import Series

_MOST_POINTS: Final = 400
_MOST_SPANS: Final = 100

Curve = Sequence[tuple[float, float]]
"""(seconds of perf_counter, value), oldest first."""
Span = tuple[float, float]
_T = TypeVar("_T")


def step_series(fit: FitRun) -> tuple[Series, ...]:
    """`step_s` over seconds since the fit began, at most 400 points.

    Each point is the slowest of its bin, so that thinning hides no outlier.
    """
    if len(fit.rows) < 2:
        return ()
    origin = float(fit.begin["t"])
    points = [
        (row.t_end - origin, (row.t_end - before.t_end) / row.steps)
        for before, row in zip(fit.rows, fit.rows[1:], strict=False)
        if before.epoch == row.epoch and before.phase == row.phase
    ]
    slowest = [max(group, key=lambda point: point[1]) for group in _bins(points)]
    return (
        Series(
            name="step_s",
            t_s=tuple(t for t, _ in slowest),
            value=tuple(value for _, value in slowest),
        ),
    )


def sensor_series(fit: FitRun, curves: Mapping[str, Curve]) -> tuple[Series, ...]:
    """Each curve over seconds since the fit began, at most 400 points; means of their bins.

    What was read before the fit and after its last step or drain is left out, and so is a curve
    with fewer than two points there.
    """
    origin, end = float(fit.begin["t"]), _end(fit)
    found = []
    for name, curve in curves.items():
        inside = [(t, value) for t, value in curve if origin <= t <= end]
        if len(inside) < 2:
            continue
        bins = _bins(inside)
        found.append(
            Series(
                name=name,
                t_s=tuple(round(fmean(t for t, _ in group) - origin, 4) for group in bins),
                value=tuple(_rounded(fmean(value for _, value in group)) for group in bins),
            )
        )
    return tuple(found)


def spans(fit: FitRun, rows: Sequence[Row]) -> tuple[Span, ...]:
    """The stretches of time that these rows of the fit cover, since it began.

    Rows that follow one another in the fit are one stretch. Of more than 100 stretches nothing is
    given: such a picture would be all stripes.
    """
    origin = float(fit.begin["t"])
    wanted = {id(row) for row in rows}
    found: list[Span] = []
    going = False
    for row in fit.rows:
        if id(row) not in wanted:
            going = False
            continue
        begin = found.pop()[0] if going else row.t_enter - origin
        found.append((begin, row.t_end - origin))
        going = True
    return tuple(found) if len(found) <= _MOST_SPANS else ()


def _end(fit: FitRun) -> float:
    times = [row.t_end for row in fit.rows[-1:]]
    times += [float(one["t"]) for one in (fit.drain, fit.end) if one and one.get("t") is not None]
    return max(times, default=float(fit.begin["t"]))


def _bins(points: Sequence[_T]) -> list[Sequence[_T]]:
    size = max(1, -(-len(points) // _MOST_POINTS))
    return [points[i : i + size] for i in range(0, len(points), size)]


def _rounded(value: float) -> float:
    """Five digits: a picture shows fewer."""
    return float(f"{value:.5g}")
