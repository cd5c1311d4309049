"""What the device's side of a step comes to: batch, arithmetic, memory, trace."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.report import figures
from gputune.report.rows import finite
from gputune.schema.gpu import DeviceActivity, DeviceMemory
from gputune.schema.profile import Profile


def device_lines(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield (label of at most eight letters, text) for what has a value."""
    yield from _batch(profile)
    yield from _compute(profile)
    for one in profile.device_memory:
        yield from _memory(one)
    for seen in profile.device_activity:
        yield from _activity(seen)


def _batch(profile: Profile) -> Iterator[tuple[str, str]]:
    element = profile.element
    if element is None or finite(element.expected_h2d_bytes_per_step) is None:
        return
    text = f"{figures.size(element.expected_h2d_bytes_per_step)} a step"
    if element.components:
        text += f": {', '.join(element.components)}"
    if finite(element.narrower_bytes_per_step) is not None:
        text += f"; {figures.size(element.narrower_bytes_per_step)} before its casts"
    yield "Batch", text


def _compute(profile: Profile) -> Iterator[tuple[str, str]]:
    compute = profile.compute
    flops = finite(compute.flops_per_step)
    if flops is None:
        return
    text = f"{flops / 1e9:.3g} GFLOP a step"
    step_s = finite(profile.steps.mean_s) if profile.steps is not None else None
    if step_s:
        text += f", {flops / step_s / 1e12:.3g} TFLOP/s"
    if compute.compute_dtype:
        text += f" in {compute.compute_dtype}"
    if finite(compute.mfu_fraction) is not None and finite(compute.peak_flops_per_s):
        peak = (compute.peak_flops_per_s or 0.0) / 1e12
        text += f", {figures.share(compute.mfu_fraction)} of the peak of {peak:.4g} TFLOP/s"
    yield "Compute", text


def _memory(one: DeviceMemory) -> Iterator[tuple[str, str]]:
    if finite(one.peak_bytes) is None:
        return
    text = f"GPU {one.index}: peak {figures.size(one.peak_bytes)}"
    if finite(one.limit_bytes) is not None:
        text += f" of {figures.size(one.limit_bytes)}"
    if finite(one.head_room_bytes) is not None:
        text += f", {figures.size(one.head_room_bytes)} free"
    if finite(one.predicted_max_batch_size) is not None:
        text += f", room for a batch of about {figures.count(one.predicted_max_batch_size)}"
    yield "Memory", text


def _activity(seen: DeviceActivity) -> Iterator[tuple[str, str]]:
    if finite(seen.busy_fraction) is None:
        return
    waits = (
        ("for the input", seen.idle_input_fraction),
        ("for the host", seen.idle_host_fraction),
        ("between kernels", seen.idle_gaps_fraction),
    )
    idle = [f"{figures.share(part)} {what}" for what, part in waits if finite(part)]
    text = f"GPU {seen.index}: busy {figures.share(seen.busy_fraction)} of the traced steps"
    text += f"; idle {', '.join(idle)}" if idle else ""
    yield "Trace", text
    said = []
    if finite(seen.kernels_per_step) is not None:
        said.append(f"{figures.number(seen.kernels_per_step)} kernels a step")
    if finite(seen.kernel_median_s) is not None:
        said.append(f"median {figures.seconds(seen.kernel_median_s)}")
    if finite(seen.tensor_core_fraction) is not None:
        said.append(f"{figures.share(seen.tensor_core_fraction)} of their time on tensor cores")
    if finite(seen.pageable_fraction) is not None:
        said.append(f"{figures.share(seen.pageable_fraction)} of the bytes copied from pageable")
    if said:
        yield "Trace", f"GPU {seen.index}: {', '.join(said)}"
