"""What holds the GPU down from outside the training: throttling, and other processes."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.seen import gibibytes, gpu_label, working_gpus
from gputune.rules.thresholds import CLOCK_VOID_FRACTION, THROTTLED_FRACTION
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import Gpu, Throttle
from gputune.schema.profile import Profile

_GRAVE = ("thermal", "hw slowdown", "power brake")
_CAP = "sw power cap"


def findings(profile: Profile) -> Iterator[Finding]:
    """`throttled` and `gpu-shared`."""
    yield from _throttled(profile)
    yield from _shared(profile)


def _throttled(profile: Profile) -> Iterator[Finding]:
    """A warning for heat, slow-down and power brake; a note where only the power limit holds."""
    held = [(gpu, reasons) for gpu in working_gpus(profile) if (reasons := _reasons(gpu))]
    if not held:
        return
    grave = any(_is_grave(reason) for _, reasons in held for reason in reasons)
    void = any(_is_void(gpu) for gpu, _ in held)
    yield Finding(
        id="throttled",
        severity=Severity.WARNING if grave or void else Severity.NOTE,
        title="The GPU was slowed down while it was measured."
        if grave or void
        else "The GPU's power limit held its clocks down.",
        evidence=tuple(_evidence(profile, gpu, reasons) for gpu, reasons in held),
        remedy=_COOL if grave else _POWER,
    )


def _reasons(gpu: Gpu) -> list[Throttle]:
    return [
        one
        for one in gpu.throttled
        if one.fraction >= THROTTLED_FRACTION and (_is_grave(one) or one.name == _CAP)
    ]


def _is_grave(reason: Throttle) -> bool:
    return any(word in reason.name for word in _GRAVE)


def _is_void(gpu: Gpu) -> bool:
    if gpu.sm_clock_mhz is None or not gpu.sm_clock_max_mhz:
        return False
    return gpu.sm_clock_mhz < CLOCK_VOID_FRACTION * gpu.sm_clock_max_mhz


def _evidence(profile: Profile, gpu: Gpu, reasons: list[Throttle]) -> str:
    listed = ", ".join(f"{one.name} in {one.fraction:.0%} of the samples" for one in reasons)
    text = f"{gpu_label(profile, gpu.index)}: {listed}"
    if gpu.temperature_c is not None:
        text += f", up to {gpu.temperature_c:.0f} °C"
    if gpu.power_w is not None and gpu.power_limit_w is not None:
        text += f", {gpu.power_w:.0f} W of {gpu.power_limit_w:.0f} W"
    if gpu.sm_clock_mhz is not None and gpu.sm_clock_max_mhz is not None:
        text += f", SM clock {gpu.sm_clock_mhz:.0f} MHz of {gpu.sm_clock_max_mhz:.0f} MHz"
    if _is_void(gpu):
        text += "; below 75% of it NVBench's rule calls the times of such a run void"
    return text


_COOL = (
    "Cool the machine, or ask who runs it (nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER); "
    "compare no times from before and after."
)
_POWER = (
    "Compare only runs under the same limit (nvidia-smi -q -d POWER); a higher one needs the "
    "machine's administrator."
)


def _shared(profile: Profile) -> Iterator[Finding]:
    shared = [gpu for gpu in working_gpus(profile) if gpu.other_processes]
    if not shared:
        return
    yield Finding(
        id="gpu-shared",
        severity=Severity.WARNING,
        title="Another process was on the GPU while it was measured.",
        evidence=tuple(_others(profile, gpu) for gpu in shared),
        remedy="See who it is (nvidia-smi), and measure again alone: times and memory are not the "
        "script's own. CUDA_VISIBLE_DEVICES chooses another GPU.",
    )


def _others(profile: Profile, gpu: Gpu) -> str:
    count = gpu.other_processes or 0
    text = f"{count} other process{'es' if count > 1 else ''} on {gpu_label(profile, gpu.index)}"
    if gpu.other_processes_bytes is not None:
        text += f", with {gibibytes(gpu.other_processes_bytes)} of its memory"
    return text
