"""TensorFlow's own account of each GPU's memory, and what batch would still fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputune.schema.gpu import DeviceMemory, Gpu

NOT_TOLD = (
    "TensorFlow has no public figure for what it reserved: the driver's, of all processes "
    "together, is gpus.memory_used_bytes"
)
NO_LIMIT = (
    "TensorFlow tells its limit only where the script configured one, and the driver did not tell "
    "the GPU's memory"
)
ESTIMATED = "estimated: the GPU's memory less what TensorFlow leaves to the system"
_MIB = 2**20
_SMALL = 2**31


def device_memory_records(
    event: Mapping[str, Any] | None, sizes: Mapping[str, Any] | None, gpus: Sequence[Gpu], *,
    missing: str,
) -> tuple[tuple[DeviceMemory, ...], dict[str, str]]:  # fmt: skip
    """The DeviceMemory of each GPU of a `device_memory` event, and the reasons for what lacks.

    `sizes` is the `batch_memory` event, `gpus` what the driver's sensors told, `missing` the
    reason where there is no event.
    """
    if event is None:
        return (), {"": missing}
    reasons = {"reserved_bytes": NOT_TOLD}
    known = {gpu.index: gpu for gpu in gpus}
    found = []
    for device in event.get("devices") or ():
        index = int(device["index"])
        limit, source = device.get("limit_bytes"), "configured"
        if limit is None:
            limit, source = estimated_limit(known.get(index)), ESTIMATED
        if limit is None:
            reasons["limit_bytes"] = reasons["head_room_bytes"] = NO_LIMIT
        line = None
        if index == 0:
            line, why = grows_by(
                (sizes or {}).get("points") or (), str((sizes or {}).get("reason") or missing)
            )
            if line is None:
                reasons["batch_bytes_per_sample"] = reasons["predicted_max_batch_size"] = why
        peak = int(device["peak_bytes"])
        largest = None
        if line is not None and limit is not None:
            largest = largest_batch(line, limit)
        elif line is not None:
            reasons["predicted_max_batch_size"] = NO_LIMIT
        found.append(
            DeviceMemory(
                index=index,
                current_bytes=int(device["current_bytes"]),
                peak_bytes=peak,
                peak_since=str(event.get("peak_since") or ""),
                growth=device.get("growth"),
                limit_bytes=limit,
                limit_source=source if limit is not None else "",
                head_room_bytes=None if limit is None else limit - peak,
                batch_bytes_per_sample=None if line is None else line[1],
                predicted_max_batch_size=largest,
            )
        )
    return tuple(found), reasons


def grows_by(
    points: Sequence[Sequence[float]], reason: str
) -> tuple[tuple[float, float] | None, str]:
    """(bytes without a batch, bytes for each sample) through two points (batch size, peak).

    None, with the reason, where there are not two, or where the larger batch took no more: then
    the peak is that of something else than the batch.
    """
    if len(points) < 2:
        return None, reason
    (small, less), (large, more) = sorted((p[0], p[1]) for p in points[:2])
    if large <= small or more <= less:
        return (
            None,
            "a batch of half the size had no smaller peak: it is not the batch that sets it",
        )
    slope = (more - less) / (large - small)
    return (more - slope * large, slope), ""


def largest_batch(line: tuple[float, float], limit: int) -> int:
    """The largest batch whose peak stays within `limit` bytes, on that line."""
    return max(int((limit - line[0]) // line[1]), 0)


def estimated_limit(gpu: Gpu | None) -> int | None:
    """What TensorFlow takes at most where the script set no limit.

    It takes what is free when it starts, less a reserve for the system (`MinSystemMemory` in
    tensorflow/core/common_runtime/gpu/gpu_device.cc): 225 MiB of less than 2 GiB, else 500, 1050,
    1536 or 1800 MiB by the compute capability's major number (6, 7, 8, 9 and newer). What the
    driver's own context takes (some 0.3 to 0.6 GiB) is not known, so this is a little too much.
    """
    if gpu is None or gpu.memory_total_bytes is None or gpu.compute_capability is None:
        return None
    free = gpu.memory_total_bytes - (gpu.other_processes_bytes or 0)
    major = int(gpu.compute_capability.partition(".")[0])
    reserve = {7: 1050, 8: 1536}.get(major, 500 if major <= 6 else 1800)
    return max(free - (225 if free < _SMALL else reserve) * _MIB, 0)
