"""When the step time has settled: pure arithmetic over windows of steps.

The rule is the one of the project's measuring method: windows of some steps or 0.25 s, whichever
is longer; steady when the last three agree within 3 %, with at least five windows and a second
in all. On a noisy machine windows never agree that well, so the mean over the last windows may
also settle: its 95 % t interval within ±2 % and no trend between its halves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev

WINDOW_S = 0.25
WINDOW_CALLS = 8
WINDOW_SHORT_CALLS = 2
"""Calls in a window whose calls take so long that eight of them would take over two seconds."""
AGREE_FRACTION = 0.03
MEAN_FRACTION = 0.02
MINIMUM_WINDOWS = 5
MINIMUM_S = 1.0
MEAN_WINDOWS = 8
SAME_LEVEL_FRACTION = 0.15
"""A window belongs to the steady stretch while it is this near to the stretch's median."""

# Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom (any statistics table);
# SciPy is not imported inside the user's process.
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Window:
    """Some consecutive calls: when the first began, seconds, calls."""

    start_s: float
    duration_s: float
    calls: int

    @property
    def call_s(self) -> float:
        """Mean seconds of one call."""
        return self.duration_s / self.calls


@dataclass(frozen=True, slots=True)
class Steady:
    """The answer: steady or not, why, and where the steady stretch begins (None: nowhere)."""

    steady: bool
    reason: str
    since_s: float | None


def half_width_95(values: list[float]) -> float:
    """Half the width of the t interval of the mean; infinite for fewer than two values."""
    n = len(values)
    if n < 2:
        return math.inf
    t = _T95[min(n - 1, len(_T95)) - 1]
    return t * stdev(values) / math.sqrt(n)


def window_is_full(duration_s: float, calls: int) -> bool:
    """Whether a window that has lasted so long over so many calls may be closed."""
    if duration_s < WINDOW_S or calls < WINDOW_SHORT_CALLS:
        return False
    return calls >= WINDOW_CALLS or duration_s >= 2.0


def judge(windows: list[Window]) -> Steady:
    """Whether the step time has settled, from all the windows so far, oldest first."""
    if len(windows) < MINIMUM_WINDOWS:
        return Steady(False, f"only {len(windows)} windows of steps", None)
    since = _stretch(windows)
    stretch = windows[since:]
    if sum(w.duration_s for w in stretch) < MINIMUM_S or len(stretch) < 3:
        return Steady(False, "the step time still changes", None)
    last = [w.call_s for w in stretch[-3:]]
    if len(stretch) >= MINIMUM_WINDOWS and max(last) <= (1 + AGREE_FRACTION) * min(last):
        if _trend(stretch) is None:
            return Steady(True, "the last three windows agree within 3 %", stretch[0].start_s)
        return Steady(False, _trend(stretch) or "", stretch[0].start_s)
    if len(stretch) >= MEAN_WINDOWS:
        times = [w.call_s for w in stretch]
        if half_width_95(times) <= MEAN_FRACTION * fmean(times) and _trend(stretch) is None:
            return Steady(True, "the mean is known within ±2 %", stretch[0].start_s)
    return Steady(False, "the windows differ by more than 3 %", stretch[0].start_s)


def _stretch(windows: list[Window]) -> int:
    """The index of the first window of the last stretch at one level."""
    recent = sorted(w.call_s for w in windows[-3:])
    level = recent[len(recent) // 2]
    for index in range(len(windows) - 1, -1, -1):
        if abs(windows[index].call_s - level) > SAME_LEVEL_FRACTION * level:
            # One hiccup does not end a stretch; two in a row do.
            earlier = windows[index - 1].call_s if index else None
            if earlier is None or abs(earlier - level) > SAME_LEVEL_FRACTION * level:
                return index + 1
    return 0


def _trend(stretch: list[Window]) -> str | None:
    """What trend the stretch shows, or None: its halves differ by more than noise and 3 %."""
    if len(stretch) < 6:
        return None
    middle = len(stretch) // 2
    first = [w.call_s for w in stretch[:middle]]
    second = [w.call_s for w in stretch[middle:]]
    change = fmean(second) / fmean(first) - 1
    noise = half_width_95(first) / fmean(first) + half_width_95(second) / fmean(second)
    if abs(change) <= max(AGREE_FRACTION, noise):
        return None
    return f"the step time {'rises' if change > 0 else 'falls'} by {abs(change):.0%}"
