"""The GPU's memory: too little left, or taken and not used."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.seen import (
    fit_site,
    gibibytes,
    gpu_label,
    idle_indices,
    trains_on_gpu,
)
from gputune.rules.thresholds import HEAD_ROOM_FRACTION, MEMORY_UNUSED_FRACTION
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import DeviceMemory, Gpu
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`low-head-room`, and `memory-unused` of the GPUs that have head-room."""
    if not trains_on_gpu(profile):
        return
    short = [one for one in profile.device_memory if is_short(one)]
    if short:
        yield Finding(
            id="low-head-room",
            severity=Severity.WARNING,
            title="The GPU's memory is nearly full: a larger batch or a longer input ends the run.",
            evidence=tuple(_full(profile, one) for one in short),
            remedy="Leave a tenth free: a smaller batch, mixed precision (half the bytes of the "
            "activations), or TF_GPU_ALLOCATOR=cuda_malloc_async, which wastes less between "
            "tensors.",
            site=fit_site(profile),
        )
    yield from _unused(profile)


def is_short(one: DeviceMemory) -> bool:
    """Whether less than 10 % of what TensorFlow would take is left at the peak."""
    if one.head_room_bytes is None or not one.limit_bytes:
        return False
    return one.head_room_bytes < HEAD_ROOM_FRACTION * one.limit_bytes


def _full(profile: Profile, one: DeviceMemory) -> str:
    left, limit = one.head_room_bytes or 0, one.limit_bytes or 0
    text = f"{gibibytes(left)} of {gibibytes(limit)} are left on {gpu_label(profile, one.index)}"
    if one.peak_bytes is not None:
        text += f": tensors held {gibibytes(one.peak_bytes)} at the peak"
    if one.predicted_max_batch_size is not None:
        text += f"; the largest batch that should fit is {one.predicted_max_batch_size}"
    return text


def _unused(profile: Profile) -> Iterator[Finding]:
    """`memory-unused` where tensors never held half of what was taken; without memory growth."""
    if _grows(profile):
        return
    gpus = {gpu.index: gpu for gpu in profile.gpus}
    evidence, shared = [], False
    for one in profile.device_memory:
        gpu = gpus.get(one.index)
        taken = _taken(one, gpu)
        if one.peak_bytes is None or not taken or is_short(one):
            continue
        if one.index in idle_indices(profile) or one.peak_bytes >= MEMORY_UNUSED_FRACTION * taken:
            continue
        shared = shared or bool(gpu is not None and gpu.other_processes)
        evidence.append(
            f"tensors held at most {gibibytes(one.peak_bytes)} of the {gibibytes(taken)} that "
            f"TensorFlow took on {gpu_label(profile, one.index)}{_more(one)}"
        )
    if not evidence:
        return
    yield Finding(
        id="memory-unused",
        severity=Severity.WARNING if shared else Severity.NOTE,
        title="TensorFlow took far more of the GPU's memory than the training uses"
        + (", and another process needs some." if shared else "."),
        evidence=tuple(evidence),
        remedy="To leave the rest to others, call tf.config.experimental.set_memory_growth(gpu, "
        "True) for each GPU before anything runs on it, or set TF_FORCE_GPU_ALLOW_GROWTH=true; to "
        "use it, a larger batch. It costs no time as it is.",
    )


_GROWING = (True, "growth", "cuda_malloc_async")
"""As the script's own call says it, and in the words of a configuration."""


def _grows(profile: Profile) -> bool:
    variables = dict(profile.environment.variables)
    if variables.get("TF_FORCE_GPU_ALLOW_GROWTH", "").lower() in ("1", "true"):
        return True
    return profile.setting("memory_growth") in _GROWING


def _taken(one: DeviceMemory, gpu: Gpu | None) -> int | None:
    """What TensorFlow took: its own account, else the driver's without the other processes."""
    if one.reserved_bytes is not None:
        return one.reserved_bytes
    if gpu is None or gpu.memory_used_bytes is None:
        return None
    if not gpu.other_processes:
        return gpu.memory_used_bytes
    others = gpu.other_processes_bytes
    return None if others is None else gpu.memory_used_bytes - others


def _more(one: DeviceMemory) -> str:
    size = one.predicted_max_batch_size
    return "" if size is None else f"; a batch of up to {size} should fit"
