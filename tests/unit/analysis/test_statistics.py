from __future__ import annotations

import math
import random
from statistics import fmean

import pytest

from gputune.analysis.statistics import percentile, ratio_interval, t_interval, window_means


# t(0.975, n - 1) from a printed table of Student's distribution.
@pytest.mark.parametrize(("n", "t"), [(2, 12.706), (3, 4.303), (5, 2.776), (10, 2.262)])
def test_the_interval_is_students(n: int, t: float) -> None:
    values = [float(i) for i in range(n)]
    # The variance of 0 … n-1 is n (n + 1) / 12.
    half = t * math.sqrt(n * (n + 1) / 12) / math.sqrt(n)

    found = t_interval(values)

    assert found.mean == pytest.approx((n - 1) / 2)
    assert found.low == pytest.approx((n - 1) / 2 - half, abs=2e-3)
    assert found.high == pytest.approx((n - 1) / 2 + half, abs=2e-3)


def test_one_value_has_a_mean_and_no_interval() -> None:
    found = t_interval([3.0])
    assert (found.mean, found.interval) == (3.0, None)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        t_interval([])


def test_of_a_hundred_intervals_about_five_miss_the_mean() -> None:
    source = random.Random(7)
    hits = 0
    for _ in range(600):
        low, high = t_interval([source.gauss(10, 2) for _ in range(6)]).interval or (0, 0)
        hits += low <= 10 <= high
    # 570 expected, with a standard deviation of 5.3: four of them either way.
    assert 548 <= hits <= 592


def test_the_mean_of_ratios_is_geometric() -> None:
    # 2 and 1/2 cancel; their arithmetic mean would be 1.25.
    found = ratio_interval([2.0, 1.0], [1.0, 2.0])
    assert found.mean == pytest.approx(1)
    assert found.low is not None and found.high is not None
    assert found.low * found.high == pytest.approx(1)
    # ln 2 apart from 0 on either side: the half width is t(1) · (√2 ln 2) / √2.
    assert math.log(found.high) == pytest.approx(12.706 * math.log(2), rel=1e-3)


def test_equal_ratios_have_an_interval_of_no_width() -> None:
    found = ratio_interval([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert found.interval == pytest.approx((0.5, 0.5))


def test_of_a_hundred_intervals_of_ratios_about_five_miss() -> None:
    source = random.Random(11)
    hits = 0
    for _ in range(600):
        held = [math.exp(source.gauss(0, 0.1)) for _ in range(5)]
        real = [2 * math.exp(source.gauss(0, 0.1)) for _ in range(5)]
        low, high = ratio_interval(held, real).interval or (0, 0)
        hits += low <= 0.5 <= high
    assert 548 <= hits <= 592


def test_one_ratio_has_no_interval() -> None:
    assert ratio_interval([1.0], [4.0]).interval is None
    assert ratio_interval([1.0], [4.0]).mean == pytest.approx(0.25)


def test_windows_have_equally_many_steps_of_about_their_length() -> None:
    steps = [0.1, 0.3, 0.2, 0.2, 0.1, 0.3, 0.2]  # mean 0.2 s: two steps make 0.4 s
    assert window_means(steps, 0.4) == pytest.approx([0.2, 0.2, 0.2])


def test_the_mean_of_the_windows_is_the_mean_of_the_steps_in_them() -> None:
    steps = [0.001] * 90 + [0.1] * 10
    assert fmean(window_means(steps, 0.05)) == pytest.approx(fmean(steps[: len(steps) // 5 * 5]))


def test_too_few_steps_for_a_window_are_one() -> None:
    assert window_means([0.1, 0.2], 1.0) == pytest.approx([0.15])
    assert window_means([], 1.0) == []


def test_windows_of_a_slow_wave_are_wider_than_its_steps() -> None:
    """Neighbours that agree say little new: the interval over windows must not be too narrow."""
    level = [0.01] * 50 + [0.02] * 50
    steps = level * 4
    naive = t_interval(steps).interval
    windowed = t_interval(window_means(steps, 0.25)).interval
    assert naive is not None and windowed is not None
    assert windowed[1] - windowed[0] > 2 * (naive[1] - naive[0])
    assert fmean(steps) == pytest.approx(0.015)


def test_percentiles_are_interpolated() -> None:
    values = [float(i) for i in range(101)]
    assert percentile(values, 95) == pytest.approx(95)
    assert percentile([0.0, 1.0], 25) == pytest.approx(0.25)
    assert percentile([5.0], 99) == 5
