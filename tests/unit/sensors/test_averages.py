"""Samples of the host -> figures over windows; the expected values are arithmetic."""

from __future__ import annotations

import pytest

from gputune.sensors.averages import average_host
from gputune.sensors.protocol import HostSample


def test_host_percentages_are_weighted_by_the_time_inside_the_windows() -> None:
    samples = [
        HostSample(since=0.0, t=1.0, cpu_percent=100.0, process_cpu_percent=50.0, rss_bytes=5),
        HostSample(since=1.0, t=2.0, cpu_percent=20.0, process_cpu_percent=None, rss_bytes=9),
        HostSample(since=2.0, t=3.0, cpu_percent=99.0, process_cpu_percent=99.0, rss_bytes=100),
    ]
    host = average_host(samples, [(0.75, 1.75)])
    assert host.cpu_percent == pytest.approx((0.25 * 100 + 0.75 * 20) / 1.0)
    assert host.process_cpu_percent == 50.0
    assert (host.rss_bytes, host.samples) == (9, 2)


def test_reads_are_the_growth_of_the_counter_inside_the_windows() -> None:
    samples = [
        HostSample(since=t - 1.0, t=t, read_bytes=bytes_)
        for t, bytes_ in [(0.0, 0), (1.0, 100), (2.0, 100), (3.0, 700)]
    ]
    assert average_host(samples, [(0.0, 2.0)]).read_bytes_per_s == 50.0
    assert average_host(samples, [(0.5, 1.0), (2.0, 2.5)]).read_bytes_per_s == 350.0
    # Only the part that was sampled is known.
    assert average_host(samples, [(1.5, 9.0)]).read_bytes_per_s == 600 / 1.5


def test_without_samples_the_host_has_no_figures() -> None:
    host = average_host([], [(0.0, 1.0)])
    assert (host.cpu_percent, host.rss_bytes, host.read_bytes_per_s, host.samples) == (
        None,
        None,
        None,
        0,
    )
