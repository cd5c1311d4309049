"""Samples of the host -> figures over time windows. Pure. The GPUs' are in `gpu_averages`.

A window is (t0, t1) in seconds of perf_counter(); windows must not overlap.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from gputune.schema.profile import Host
from gputune.sensors.protocol import HostSample

Window = tuple[float, float]


def average_host(samples: Sequence[HostSample], windows: Sequence[Window]) -> Host:
    """The host over the windows: percentages weighted by time, most memory, bytes read a second.

    A sample's percentage holds from `since` to `t` and counts with the part of that inside the
    windows, so windows shorter than a sample's span are answered too. `samples` counts those
    that touch a window.
    """
    weights = [sum(_overlap((one.since, one.t), window) for window in windows) for one in samples]
    touching = [one for one, weight in zip(samples, weights, strict=True) if weight > 0]
    return Host(
        cpu_percent=_weighted([one.cpu_percent for one in samples], weights),
        process_cpu_percent=_weighted([one.process_cpu_percent for one in samples], weights),
        rss_bytes=max(
            (one.rss_bytes for one in touching if one.rss_bytes is not None), default=None
        ),
        read_bytes_per_s=_rate(samples, windows),
        samples=len(touching),
    )


def _overlap(left: Window, right: Window) -> float:
    return max(0.0, min(left[1], right[1]) - max(left[0], right[0]))


def _weighted(values: Sequence[float | None], weights: Sequence[float]) -> float | None:
    pairs = [
        (value, weight)
        for value, weight in zip(values, weights, strict=True)
        if value is not None and weight > 0
    ]
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total > 0 else None


def _rate(samples: Sequence[HostSample], windows: Sequence[Window]) -> float | None:
    """The growth of the counter over the windows, linear between samples, per second."""
    points = [(one.t, one.read_bytes) for one in samples if one.read_bytes is not None]
    if len(points) < 2:
        return None
    grown = elapsed = 0.0
    for start, end in windows:
        # Outside the samples the counter is unknown: only the known part counts.
        start, end = max(start, points[0][0]), min(end, points[-1][0])
        if end > start:
            grown += _at(points, end) - _at(points, start)
            elapsed += end - start
    return grown / elapsed if elapsed > 0 else None


def _at(points: Sequence[tuple[float, int]], t: float) -> float:
    right = min(max(bisect_left(points, t, key=lambda point: point[0]), 1), len(points) - 1)
    (t0, v0), (t1, v1) = points[right - 1], points[right]
    return v0 + (v1 - v0) * (t - t0) / (t1 - t0) if t1 > t0 else float(v1)
