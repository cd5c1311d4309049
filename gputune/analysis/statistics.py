"""Means with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % interval; `low` and `high` are None for fewer than two values."""

    mean: float
    low: float | None
    high: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """(low, high), or None."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def t_quantile(quantile: float, degrees: float) -> float:
    """The quantile of Student's distribution, of more than 0 `degrees` of freedom.

    It is what `scipy.stats.t.ppf` calls, without `scipy.stats`, whose import takes half a second.
    """
    return float(special.stdtrit(degrees, quantile))


def t_interval(values: Sequence[float]) -> Estimate:
    """Student's 95 % interval of the mean of independent values; raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    mean = fmean(values)
    n = len(values)
    if n < 2:
        return Estimate(mean, None, None)
    half = t_quantile(0.975, n - 1) * stdev(values) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half)


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """The geometric mean of paired ratios, with the t interval of their logarithms.

    The percentile bootstrap is too narrow for so few pairs (a nominal 95 % covered 84 % of five);
    the t interval on log ratios holds its level. All values must be positive.
    """
    logs = [math.log(a / b) for a, b in zip(numerators, denominators, strict=True)]
    found = t_interval(logs)
    bounds = found.interval
    if bounds is None:
        return Estimate(math.exp(found.mean), None, None)
    return Estimate(math.exp(found.mean), math.exp(bounds[0]), math.exp(bounds[1]))


def window_means(durations: Sequence[float], window_s: float) -> list[float]:
    """Means over consecutive windows of equally many steps, about `window_s` seconds each.

    Neighbouring steps are not independent; the means of windows nearly are (batch means). The
    windows have equally many steps, so that their mean is the mean of the steps in them; what is
    left over at the end is dropped, unless it is all there is.
    """
    if not durations:
        return []
    size = min(max(1, round(window_s / fmean(durations))), len(durations))
    whole = len(durations) // size * size
    return [fmean(durations[i : i + size]) for i in range(0, whole, size)]


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile, interpolated linearly between order statistics."""
    return float(np.percentile(np.asarray(values, dtype=float), percent))
