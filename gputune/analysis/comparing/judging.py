"""Whether two groups of processes differ in a figure, and how small a difference would be seen.

The process is the sample, not the step (Kalibera and Jones 2013): steps of one process share its
memory layout, its neighbours on the machine and its clocks. Two groups that were not run in turn
are independent: Welch's t (1947) on the logarithms, with his degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from gputune.analysis.statistics import t_quantile
from gputune.schema.comparison import MetricVerdict

WORTH = 0.02
"""A difference that surely lies within 2 % is none: that is what two runs on a quiet machine
differ by. The same margin as of the confirmation of a study."""
POWER = 0.8
ONE_PROCESS = (
    "one process is one sample: `gputune profile --runs 6` makes repeated ones that can be compared"
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The fields of a MetricCompared that the values of its two sides give."""

    before: float | None
    after: float | None
    difference: float | None
    ratio: float | None
    ci95: tuple[float, float] | None
    verdict: MetricVerdict
    reason: str
    smallest_detectable_ratio: float | None


def judge(before: Sequence[float], after: Sequence[float], words: tuple[str, str]) -> Judged:
    """Compare two groups of values, one of each process.

    `words` are the verdicts of a ratio below and above 1.
    """
    if not before or not after:
        sides = "neither side" if not before and not after else "one side"
        why = f"{sides} {'has' if not before and not after else 'has not'} measured it"
        return _open(_mean(before), _mean(after), None, why)
    if min(*before, *after) <= 0:
        return _zeros(before, after, words)
    low_logs, high_logs = [math.log(v) for v in before], [math.log(v) for v in after]
    shift = fmean(high_logs) - fmean(low_logs)
    ratio = math.exp(shift)
    if len(before) < 2 or len(after) < 2:
        return _open(_mean(before), _mean(after), ratio, ONE_PROCESS)
    half, smallest = _welch(low_logs, high_logs)
    ci95 = (math.exp(shift - half), math.exp(shift + half))
    verdict, reason = _verdict(ci95, math.exp(smallest), words)
    return Judged(
        before=_mean(before), after=_mean(after), difference=_difference(before, after),
        ratio=ratio, ci95=ci95, verdict=verdict, reason=reason,
        smallest_detectable_ratio=math.exp(smallest),
    )  # fmt: skip


def _welch(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Half the 95 % interval of the difference of means, and the smallest that is mostly seen."""
    shares = [variance(values) / len(values) for values in (first, second)]
    error = math.sqrt(sum(shares))
    if error == 0:
        return 0.0, 0.0
    parts = zip(shares, (first, second), strict=True)
    degrees = sum(shares) ** 2 / sum(share**2 / (len(v) - 1) for share, v in parts)
    limit = t_quantile(0.975, degrees)
    return limit * error, (limit + t_quantile(POWER, degrees)) * error


def _verdict(
    ci95: tuple[float, float], smallest: float, words: tuple[str, str]
) -> tuple[MetricVerdict, str]:
    low, high = ci95
    within = f"95 % interval {low:.3f} to {high:.3f}"
    if low > 1 - WORTH and high < 1 + WORTH:
        return "same", f"the {within} lies within 2 % of 1"
    if low > 1:
        return words[1], within  # type: ignore[return-value]
    if high < 1:
        return words[0], within  # type: ignore[return-value]
    return "inconclusive", (
        f"the {within} contains 1; a difference of {smallest - 1:.0%} would mostly have been seen"
    )


def _zeros(before: Sequence[float], after: Sequence[float], words: tuple[str, str]) -> Judged:
    if set(before) == set(after) and len(set(before)) == 1:
        value = float(before[0])
        return Judged(
            before=value, after=value, difference=0.0, ratio=None, ci95=None,
            verdict="same" if min(len(before), len(after)) > 1 else "inconclusive",
            reason="all values are the same" if len(before) > 1 else ONE_PROCESS,
            smallest_detectable_ratio=None,
        )  # fmt: skip
    return Judged(
        before=fmean(before), after=fmean(after), difference=fmean(after) - fmean(before),
        ratio=None, ci95=None, verdict="inconclusive", smallest_detectable_ratio=None,
        reason="a value that is not above 0 has no ratio",
    )  # fmt: skip


def _open(before: float | None, after: float | None, ratio: float | None, reason: str) -> Judged:
    return Judged(
        before=before, after=after,
        difference=None if before is None or after is None else after - before,
        ratio=ratio, ci95=None, verdict="inconclusive", reason=reason,
        smallest_detectable_ratio=None,
    )  # fmt: skip


def _difference(before: Sequence[float], after: Sequence[float]) -> float | None:
    first, second = _mean(before), _mean(after)
    return None if first is None or second is None else second - first


def _mean(values: Sequence[float]) -> float | None:
    """The geometric mean, whose ratio is the mean of the ratios; of others the arithmetic one."""
    if not values:
        return None
    if min(values) <= 0:
        return fmean(values)
    return math.exp(fmean(math.log(value) for value in values))
