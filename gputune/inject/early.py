"""The early end of a trial that clearly cannot win."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

LEAST_WINDOWS = 3
MARGIN = 0.05
"""Ours: what is within 5 % of the best is measured to the end, since it may be the best."""

# One-sided 99.5 % quantiles of Student's t for 1 … 30 degrees of freedom (any statistics table):
# of 200 trials that could have won, one may be ended by mistake. SciPy is not imported inside the
# user's process.
_T995 = (
    63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169,
    3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845,
    2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750,
)  # fmt: skip


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
    half = _T995[min(n - 1, len(_T995)) - 1] * stdev(windows) / math.sqrt(n)
    if fmean(windows) + half >= bound:
        return False
    slope = (windows[-1] - windows[0]) / (n - 1)
    return windows[-1] + max(slope, 0.0) * n < bound
