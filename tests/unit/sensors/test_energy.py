"""The energy counter over windows; the expected values are power times time."""

from __future__ import annotations

import pytest

from gputune.sensors.energy import TOO_SHORT, Energy, energy_in
from gputune.sensors.protocol import Point


def counter(*pairs: tuple[float, float]) -> list[Point]:
    """(seconds, joules) -> points in millijoules."""
    return [Point(t, 1000 * joules) for t, joules in pairs]


def steadily(watts: float, every_s: float, count: int, offset: float = 0.0) -> list[Point]:
    return counter(*((n * every_s, offset + watts * n * every_s) for n in range(count)))


def known(found: Energy | str) -> Energy:
    assert isinstance(found, Energy)
    return found


def test_window_edges_between_updates_are_interpolated() -> None:
    found = known(energy_in(steadily(200, 0.1, 20), [(0.25, 1.37)]))
    assert found.power_w == pytest.approx(200)
    assert found.known_s == pytest.approx(1.12)


def test_what_lies_between_the_windows_does_not_count() -> None:
    # 100 W in the first second, 700 W in the next, 300 W in the third.
    points = counter((0, 0), (0.5, 50), (1, 100), (1.5, 450), (2, 800), (2.5, 950), (3, 1100))
    found = known(energy_in(points, [(0, 1), (2, 3)]))
    assert found.power_w == pytest.approx((100 + 300) / 2)


def test_polling_more_often_than_the_counter_moves_changes_nothing() -> None:
    moves = steadily(200, 0.1, 20)
    polled = [Point(one.t + late, one.value) for one in moves for late in (0.0, 0.04, 0.08)]
    assert energy_in(polled, [(0.3, 1.5)]) == energy_in(moves, [(0.3, 1.5)])


def test_a_counter_that_wraps_is_unknown_only_where_it_fell() -> None:
    points = [Point(one.t, one.value % 150_000) for one in steadily(200, 0.1, 20)]
    found = known(energy_in(points, [(0.2, 1.6)]))
    assert found.power_w == pytest.approx(200)
    assert found.known_s == pytest.approx(1.4 - 2 * 0.1)  # it wrapped twice


def test_a_counter_that_begins_again_far_below_is_unknown_only_there() -> None:
    points = steadily(200, 0.1, 10, offset=5000) + [
        Point(1.0 + one.t, one.value) for one in steadily(200, 0.1, 10)
    ]
    assert known(energy_in(points, [(0.2, 1.8)])).power_w == pytest.approx(200)


def test_outside_the_counters_own_time_nothing_is_known() -> None:
    found = known(energy_in(steadily(200, 0.1, 11), [(0.5, 9.0)]))
    assert found.power_w == pytest.approx(200)
    assert found.known_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("points", "windows"),
    [
        (steadily(200, 0.1, 20), [(0.31, 0.39)]),  # shorter than the counter's step
        (steadily(200, 1.0, 5), [(0.5, 1.4)]),  # one update alone
        (counter((0, 1), (1, 1), (2, 1)), [(0.0, 2.0)]),  # a counter that stands still
        ([], [(0.0, 2.0)]),
    ],
)
def test_too_little_is_no_figure(points: list[Point], windows: list[tuple[float, float]]) -> None:
    assert energy_in(points, windows) == TOO_SHORT
