from __future__ import annotations

from gputune.sensors.curves import gpu_curves, host_curves
from gputune.sensors.protocol import HostSample, Point


def test_a_mean_over_a_span_stands_in_its_middle_and_a_state_at_its_moment() -> None:
    samples = [HostSample(since=1.0, t=2.0, cpu_percent=40.0, rss_bytes=7)]
    assert host_curves(samples) == {
        "host.cpu_percent": [(1.5, 40.0)],
        "host.rss_bytes": [(2.0, 7.0)],
    }


def test_a_sample_without_a_value_is_no_point() -> None:
    samples = [HostSample(since=1.0, t=2.0), HostSample(since=2.0, t=3.0, cpu_percent=1.0)]
    assert host_curves(samples) == {"host.cpu_percent": [(2.5, 1.0)]}


def test_each_gpu_has_curves_of_its_own_named_by_their_path() -> None:
    points = {
        (1, "utilization_percent"): [Point(1.0, 90.0)],
        (0, "sm_active_percent"): [Point(4.0, 30.0, since=2.0)],
        (0, "event_reasons"): [Point(1.0, 4.0)],
    }
    assert gpu_curves(points) == {
        "gpus[0].sm_active_percent": [(3.0, 30.0)],
        "gpus[1].utilization_percent": [(1.0, 90.0)],
    }
