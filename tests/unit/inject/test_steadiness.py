from __future__ import annotations

import math
import random

import pytest

from gputune.inject.steadiness import Window, half_width_95, judge, window_is_full


def of_ten(*call_s: float) -> list[Window]:
    """Windows of ten calls each, the calls of a window all alike."""
    found, start = [], 0.0
    for seconds in call_s:
        found.append(Window(start, 10 * seconds, 10))
        start += 10 * seconds
    return found


@pytest.mark.parametrize(
    ("duration_s", "calls", "full"),
    [
        (0.24, 100, False),
        (0.25, 8, True),
        (0.25, 7, False),
        (1.99, 7, False),
        (2.0, 2, True),
        (9.0, 1, False),
    ],
)
def test_a_window_lasts_a_quarter_second_and_eight_calls_or_two_long_ones(
    duration_s: float, calls: int, full: bool
) -> None:
    assert window_is_full(duration_s, calls) is full


def test_the_half_width_is_students() -> None:
    # 1, 2, 3: standard deviation 1, t(2) = 4.303.
    assert half_width_95([1.0, 2.0, 3.0]) == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)
    assert half_width_95([1.0]) == math.inf
    assert half_width_95([2.0, 2.0]) == 0


def test_a_constant_step_is_steady_from_its_beginning() -> None:
    found = judge(of_ten(*[0.05] * 5))
    assert (found.steady, found.since_s) == (True, 0.0)


def test_too_few_windows_are_not_enough() -> None:
    assert not judge(of_ten(*[0.05] * 4)).steady
    assert "4 windows" in judge(of_ten(*[0.05] * 4)).reason
    assert not judge([]).steady


def test_five_windows_in_less_than_a_second_are_not_enough() -> None:
    assert not judge(of_ten(*[0.015] * 5)).steady
    assert judge(of_ten(*[0.025] * 5)).steady


def test_the_steady_stretch_begins_where_the_warm_up_ends() -> None:
    found = judge(of_ten(0.5, 0.2, *[0.05] * 6))
    assert found.steady
    assert found.since_s == pytest.approx(7.0)


def test_a_new_level_starts_again() -> None:
    assert not judge(of_ten(*[0.05] * 8, 0.1, 0.1, 0.1)).steady
    found = judge(of_ten(*[0.05] * 8, *[0.1] * 5))
    assert found.steady
    assert found.since_s == pytest.approx(4.0)


def test_one_hiccup_does_not_end_a_stretch_and_two_do() -> None:
    one = judge(of_ten(*[0.05] * 4, 0.2, *[0.05] * 5))
    assert (one.steady, one.since_s) == (True, 0.0)
    two = judge(of_ten(*[0.05] * 4, 0.2, 0.2, *[0.05] * 5))
    assert two.steady
    assert two.since_s == pytest.approx(6.0)


@pytest.mark.parametrize(("growth", "word"), [(1.01, "rises"), (1 / 1.01, "falls")])
def test_a_slow_trend_is_not_steady_though_neighbours_agree(growth: float, word: str) -> None:
    # A percent a window: the last three agree within 3 %, the halves of twelve differ by 6 %.
    found = judge(of_ten(*[0.05 * growth**i for i in range(12)]))
    assert not found.steady
    assert word in found.reason and "6%" in found.reason


def test_windows_three_percent_apart_do_not_agree() -> None:
    assert judge(of_ten(0.05, 0.05, 0.05, 0.0514, 0.05)).steady
    assert not judge(of_ten(0.05, 0.05, 0.05, 0.0516, 0.05)).steady


def test_a_noisy_step_is_steady_once_its_mean_is_known() -> None:
    source = random.Random(3)
    noisy = of_ten(*[0.05 * source.uniform(0.93, 1.07) for _ in range(60)])
    # The half width falls as 1/√n; ±2 % is reached somewhere, and never by two windows' agreement.
    known = [n for n in range(1, 61) if judge(noisy[:n]).steady]
    assert known and known[0] >= 5
    assert judge(noisy).steady and judge(noisy).since_s == 0.0


def test_noise_that_hides_the_mean_is_not_steady() -> None:
    # ±14 % in turn: with eight windows the mean is known to ±12.6 % only.
    assert not judge(of_ten(*[0.043, 0.057] * 4)).steady
