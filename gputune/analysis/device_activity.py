"""What each GPU did in the traced steps: the trace's seconds as fractions of the traced time."""

from __future__ import annotations

from collections.abc import Sequence

from gputune.schema.gpu import DeviceActivity
from gputune.schema.trace import Activity


def device_activity(
    activities: Sequence[tuple[int, Activity]], steps: int
) -> tuple[DeviceActivity, ...]:
    """A record for each GPU (its number, its figures over `steps` traced steps), by number.

    A trace slows what it watches: its shares are told, its durations are not.
    """
    return tuple(_one(index, of, steps) for index, of in sorted(activities, key=lambda a: a[0]))


def _one(index: int, of: Activity, steps: int) -> DeviceActivity:
    def share(part_s: float | None) -> float | None:
        return None if part_s is None or of.duration_s <= 0 else part_s / of.duration_s

    return DeviceActivity(
        index=index,
        busy_fraction=share(of.busy_s),
        idle_fraction=share(of.idle_s),
        idle_input_fraction=share(of.idle_input_s),
        idle_host_fraction=share(of.idle_host_s),
        idle_gaps_fraction=share(of.idle_kernel_s),
        idle_other_fraction=share(of.idle_other_s),
        kernels_per_step=of.kernel_count / steps if steps else None,
        kernel_median_s=of.kernel_median_s,
        launch_delay_median_s=of.launch_delay_median_s,
        half_precision_fraction=of.compute_16bit_fraction,
        tensor_core_fraction=of.tensor_core_fraction,
        pageable_fraction=_pageable(of),
    )


def _pageable(of: Activity) -> float | None:
    """Of the bytes that went to the device; None where nothing did, or a copy tells too little."""
    if not of.h2d_bytes or of.h2d_pageable_bytes is None:
        return None
    return of.h2d_pageable_bytes / of.h2d_bytes
