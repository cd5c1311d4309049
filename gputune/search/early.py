"""The early end of a trial that clearly cannot win."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from scipy import stats

LEAST_WINDOWS = 3
CONFIDENCE = 0.995
"""One-sided. Ours: of 200 trials that could have won, one may be ended by mistake."""
MARGIN = 0.05
"""Ours: what is within 5 % of the best is measured to the end, since it may be the best."""


def cannot_win(windows: Sequence[float], incumbent_samples_per_s: float | None) -> bool:
    """Whether a trial with these windows (samples/s, oldest first) stays below the best so far.

    True where there are at least three windows, none of them came within 5 % of the best, neither
    does the upper end of the mean's interval, and a rise from window to window, drawn on for as
    many windows again, would not get there either: a pipeline whose buffers still empty or fill
    shows as a trend.
    """
    if incumbent_samples_per_s is None or len(windows) < LEAST_WINDOWS:
        return False
    bound = (1 - MARGIN) * incumbent_samples_per_s
    n = len(windows)
    if max(windows) >= bound:
        return False
    half = float(stats.t.ppf(CONFIDENCE, n - 1)) * stdev(windows) / math.sqrt(n)
    if fmean(windows) + half >= bound:
        return False
    slope = (windows[-1] - windows[0]) / (n - 1)
    return windows[-1] + max(slope, 0.0) * n < bound
