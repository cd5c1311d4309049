"""Whether the script's memory grows from step to step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean
from typing import Any

import numpy as np

from gputune.analysis.run import FitRun, Row
from gputune.analysis.statistics import t_interval
from gputune.session import events

WINDOWS = 8
FEWEST_WINDOWS = 6
TOO_SHORT = "the clean phase is too short to see whether memory grows"
FILLING = "the first epoch fills the .cache() of the pipeline, so memory grows in any case"


@dataclass(frozen=True)
class Growth:
    """Bytes per training step, with the 95 % interval; or the reason why it is not known."""

    bytes_per_step: float | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""


def memory_growth(
    samples: Sequence[tuple[float, int]], fit: FitRun, *, full: bool,
    chain: Sequence[Mapping[str, Any]] = (),
) -> Growth:  # fmt: skip
    """The growth of resident memory in the clean phase of a fit.

    `samples` are (seconds of perf_counter, bytes), oldest first; `chain` are the calls of the
    pipeline. Neighbouring samples are far from independent, and memory moves in jumps (an
    allocator's arena, a buffer that fills) as well as steadily. So the samples are put into a few
    windows of equally many, and the growth is the mean of the slopes from each window to the
    next, with their t interval: a single jump is a wide interval around it, a leak is the same
    slope everywhere.
    """
    rows = _longest_stretch(fit, full=full)
    reason = TOO_SHORT
    if rows and _caches_in_memory(chain):
        first = fit.rows[0].epoch
        rows, reason = [row for row in rows if row.epoch > first], FILLING
    if len(rows) < 2:
        return Growth(reason=reason)
    points = _by_steps(samples, rows)
    count = min(WINDOWS, len(points) // 2)
    if count < FEWEST_WINDOWS:
        return Growth(reason=reason)
    size = len(points) // count
    # What does not fill a window is dropped at the beginning, where the phase has just begun.
    points = points[len(points) - count * size :]
    windows = [
        (fmean(x for x, _ in group), fmean(y for _, y in group))
        for group in (points[i : i + size] for i in range(0, len(points), size))
    ]
    slopes = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(windows) if x1 > x0]
    if len(slopes) < FEWEST_WINDOWS - 1:
        return Growth(reason=reason)
    found = t_interval(slopes)
    return Growth(found.mean, found.interval)


def _longest_stretch(fit: FitRun, *, full: bool) -> list[Row]:
    """The calls of the clean phase, or under `--full` of what came after the trace, if longer."""
    phases = (events.CLEAN, events.AFTER) if full else (events.CLEAN,)
    stretches = [[row for row in fit.rows if row.phase == phase] for phase in phases]
    return max(stretches, key=lambda rows: rows[-1].t_end - rows[0].t_enter if rows else 0.0)


def _by_steps(
    samples: Sequence[tuple[float, int]], rows: Sequence[Row]
) -> list[tuple[float, float]]:
    """(training steps done, bytes) of the samples within the rows' time."""
    times = [rows[0].t_enter, *(row.t_end for row in rows)]
    done = [0, *accumulate(row.steps for row in rows)]
    return [
        (float(np.interp(t, times, done)), float(size))
        for t, size in samples
        if times[0] <= t <= times[-1]
    ]


def _caches_in_memory(chain: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        call["method"] == "cache" and not (call.get("arguments") or {}).get("filename")
        for call in chain
    )
