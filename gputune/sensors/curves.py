"""What the sensors read as curves over time, for the report's pictures. Pure.

A curve is a list of (seconds of perf_counter, value), oldest first; its name is the figure's path
in the Profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gputune.sensors import metrics
from gputune.sensors.protocol import HostSample, Timelines

Curves = dict[str, list[tuple[float, float]]]

_HOST: Final = ("cpu_percent", "process_cpu_percent", "rss_bytes")
_GPU: Final = (
    metrics.UTILIZATION,
    metrics.SM_ACTIVE,
    metrics.MEMORY_USED,
    metrics.POWER,
)


def host_curves(samples: Sequence[HostSample]) -> Curves:
    """The host's curves; a mean over a span stands in the span's middle."""
    found: Curves = {}
    for field in _HOST:
        curve = [
            ((one.since + one.t) / 2 if field.endswith("_percent") else one.t, float(value))
            for one in samples
            if (value := getattr(one, field)) is not None
        ]
        if curve:
            found[f"host.{field}"] = curve
    return found


def gpu_curves(points: Timelines) -> Curves:
    """The GPUs' curves, GPU by GPU."""
    indices = sorted({index for index, _ in points})
    return {
        f"gpus[{index}].{metric}": [
            (one.t if one.since is None else (one.since + one.t) / 2, one.value)
            for one in points[index, metric]
        ]
        for index in indices
        for metric in _GPU
        if points.get((index, metric))
    }
