"""Step times over time, thinned for a plot."""

from __future__ import annotations

from gputune.analysis.run import FitRun
from gputune.schema.profile import Series

_MOST_POINTS = 400


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
    size = max(1, -(-len(points) // _MOST_POINTS))
    bins = [points[i : i + size] for i in range(0, len(points), size)]
    slowest = [max(group, key=lambda point: point[1]) for group in bins]
    return (
        Series(
            name="step_s",
            t_s=tuple(t for t, _ in slowest),
            value=tuple(value for _, value in slowest),
        ),
    )
