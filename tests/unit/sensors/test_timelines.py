from __future__ import annotations

from gputune.sensors.protocol import Point, Reading
from gputune.sensors.timelines import Timeline, Timelines


def test_points_come_back_by_gpu_and_metric_in_their_order() -> None:
    lines = Timelines()
    lines.extend([Reading(0, "a", Point(1, 10)), Reading(1, "a", Point(1, 20, 0.5))])
    lines.extend([Reading(0, "a", Point(2, 11))])
    assert lines.points() == {
        (0, "a"): (Point(1, 10), Point(2, 11)),
        (1, "a"): (Point(1, 20, 0.5),),
    }


def test_a_long_run_is_thinned_evenly_and_the_newest_point_stays() -> None:
    line = Timeline(most=8)
    for n in range(10):
        line.append(Point(float(n), float(n), n - 1.0))
    assert [point.t for point in line] == [0, 2, 4, 6, 8, 9]
    line = Timeline(most=7)
    for n in range(8):
        line.append(Point(float(n), float(n)))
    assert [point.t for point in line] == [1, 3, 5, 7]
