"""The GPU computes all the time, and is not full: small batches, or a low rate of arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu import memory, memory_bound
from gputune.rules.gpu.seen import (
    compute_share,
    fit_site,
    gibibytes,
    gpu_label,
    largest,
    working_gpus,
)
from gputune.rules.thresholds import (
    COMPUTE_LARGE_FRACTION,
    MFU_LOW,
    MFU_SMALL_BATCH,
    SM_ACTIVE_HIGH_PERCENT,
    SM_ACTIVE_LOW_PERCENT,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import DeviceMemory
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`small-batch`, or where that is silent `low-mfu`; asked where computation is 70 % or more.

    Left to `memory-bound` where that speaks. No batch is called small that has no room to grow.
    """
    computing = compute_share(profile)
    if computing is None or computing < COMPUTE_LARGE_FRACTION:
        return
    if any(memory_bound.findings(profile)):
        return
    yield from _small_batch(profile, computing) or _low_mfu(profile, computing)


def _small_batch(profile: Profile, computing: float) -> tuple[Finding, ...]:
    gpus = [gpu for gpu in working_gpus(profile) if gpu.sm_active_percent is not None]
    active = largest(gpu.sm_active_percent for gpu in gpus)
    if active is None or not _may_grow(profile):
        return ()
    mfu = profile.compute.mfu_fraction
    wasted = mfu is not None and mfu < MFU_SMALL_BATCH and active > SM_ACTIVE_HIGH_PERCENT
    if active >= SM_ACTIVE_LOW_PERCENT and not wasted:
        return ()
    evidence = [f"the GPU computes for {computing:.0%} of the step"]
    for gpu in gpus:
        text = f"{gpu.sm_active_percent:.0f}% of the SMs of {gpu_label(profile, gpu.index)} work"
        if gpu.sm_occupancy_percent is not None:
            text += f", {gpu.sm_occupancy_percent:.0f}% of their places for warps are taken"
        evidence.append(text)
    if mfu is not None:
        evidence.append(f"{mfu:.1%} of the peak rate of arithmetic is reached (MFU)")
    steps = profile.steps
    size = steps.batch_size if steps is not None else None
    if size is not None:
        evidence.append(f"the batch has {size} samples")
    evidence += _room(profile)
    return (
        Finding(
            id="small-batch",
            severity=Severity.WARNING,
            title="The GPU always computes, but a step is too small to fill it.",
            evidence=tuple(evidence),
            remedy="Take a larger batch, and tune the learning rate for it: it changes the "
            f"training.{'' if profile.setting('jit_compile') is True else _FUSE}",
            site=fit_site(profile),
        ),
    )


_FUSE = " jit_compile=True makes fewer and larger kernels of the same batch."


def _may_grow(profile: Profile) -> bool:
    """Whether nothing says that a larger batch would not fit."""
    size = profile.steps.batch_size if profile.steps is not None else None
    if any(memory.is_short(one) for one in profile.device_memory):
        return False
    largest_sizes = [m.predicted_max_batch_size for m in profile.device_memory]
    known = [found for found in largest_sizes if found is not None]
    return size is None or not known or min(known) > size


def _room(profile: Profile) -> Iterator[str]:
    """What TensorFlow itself used: the driver's figure is what it reserved, which says nothing."""
    for one in profile.device_memory:
        if one.peak_bytes is None or one.limit_bytes is None:
            continue
        text = f"at most {gibibytes(one.peak_bytes)} of {gibibytes(one.limit_bytes)} held tensors"
        yield f"{text} on GPU {one.index}{_predicted(one)}"


def _predicted(one: DeviceMemory) -> str:
    size = one.predicted_max_batch_size
    return "" if size is None else f", so a batch of up to {size} should fit"


def _low_mfu(profile: Profile, computing: float) -> Iterator[Finding]:
    compute = profile.compute
    mfu = compute.mfu_fraction
    if mfu is None or mfu >= MFU_LOW:
        return
    evidence = [f"the GPU computes for {computing:.0%} of the step"]
    if compute.flops_per_step is not None and compute.peak_flops_per_s is not None:
        peak = f"{compute.peak_flops_per_s / 1e12:.4g} TFLOP/s"
        evidence.append(
            f"a step has {compute.flops_per_step / 1e12:.3g} TFLOP, the peak is {peak}"
            + (f" in {compute.compute_dtype}" if compute.compute_dtype is not None else "")
        )
    yield Finding(
        id="low-mfu",
        severity=Severity.NOTE,
        title=f"The model reaches {mfu:.1%} of the GPU's peak rate of arithmetic (MFU).",
        evidence=tuple(evidence),
        remedy="`gputune trace` lists the kernels by time: where most are element by element "
        "(normalisation, activations, the optimizer), jit_compile=True fuses them; where they are "
        "small matrix products, a larger batch or wider layers fill the GPU.",
        site=fit_site(profile),
    )
