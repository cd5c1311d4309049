"""The GPU waits for the host to launch its work."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules import host_bound
from gputune.rules.eager import is_eager
from gputune.rules.gpu.seen import fit_site, gpu_parts, ms, share, working_devices
from gputune.rules.thresholds import (
    HOST_CPU_HIGH_PERCENT,
    KERNEL_SHORT_S,
    LAUNCH_DELAY_S,
    LAUNCH_NOTE_FRACTION,
    LAUNCH_PROBLEM_FRACTION,
    LAUNCH_WARNING_FRACTION,
)
from gputune.schema.conditions import LOSS_SELDOM, STEPS_AT_ONCE, priced
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import DeviceActivity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`launch-bound` from 3 % of a GPU's step; left to `eager` and `host-bound` where they speak.

    Where `waits-for-loss` speaks of the same time, the engine keeps the graver of the two.
    """
    parts = gpu_parts(profile)
    if parts is None or parts.launch_s is None or is_eager(profile):
        return
    fraction = share(profile, parts.launch_s)
    if fraction is None or fraction < LAUNCH_NOTE_FRACTION or any(host_bound.findings(profile)):
        return
    device = _device(profile)
    yield Finding(
        id="launch-bound",
        severity=_severity(fraction),
        title=f"{fraction:.0%} of each step the GPU has nothing to run: launches come too late.",
        evidence=tuple(_evidence(profile, parts.launch_s, device)),
        remedy=_remedy(profile, device),
        site=fit_site(profile),
    )


def _severity(fraction: float) -> Severity:
    if fraction >= LAUNCH_PROBLEM_FRACTION:
        return Severity.PROBLEM
    return Severity.WARNING if fraction >= LAUNCH_WARNING_FRACTION else Severity.NOTE


def _device(profile: Profile) -> DeviceActivity | None:
    """The GPU with the most kernels: the one that late launches hold up most."""
    known = [a for a in working_devices(profile) if a.kernels_per_step is not None]
    return max(known, key=lambda a: a.kernels_per_step or 0.0, default=None)


def _short(device: DeviceActivity | None) -> bool:
    if device is None or device.kernel_median_s is None:
        return False
    return device.kernel_median_s < KERNEL_SHORT_S


def _evidence(profile: Profile, launch_s: float, device: DeviceActivity | None) -> Iterator[str]:
    mean_s = profile.steps.mean_s if profile.steps is not None else None
    yield f"of a step of {ms(mean_s or 0.0)} the GPU waits {ms(launch_s)} for work to be launched"
    if device is not None and device.kernels_per_step:
        text = f"a step runs {device.kernels_per_step:.0f} kernels"
        if device.kernel_median_s is not None:
            text += f" of {ms(device.kernel_median_s)} (median)"
        if _short(device):
            text += ": so short a kernel is over before the host has launched the next"
        yield text
    if device is not None and device.launch_delay_median_s is not None:
        yield (
            f"a kernel starts {ms(device.launch_delay_median_s)} after its launch "
            "(median, the time in the queue included)"
        )
    if device is not None and device.idle_host_fraction is not None:
        text = f"in the traced steps the GPU waits {device.idle_host_fraction:.0%} for the host"
        if device.idle_gaps_fraction is not None:
            text += f", and {device.idle_gaps_fraction:.0%} are gaps between kernels in the queue"
        yield text
    price = priced(profile, LOSS_SELDOM)
    if price is not None:
        took = ms(price.step_s)
        yield f"with {STEPS_AT_ONCE} steps a call a step would take {took} ({price.basis})"


def _remedy(profile: Profile, device: DeviceActivity | None) -> str:
    said = [text for text in (_fused(profile), _at_once(profile)) if text]
    if not _short(device):
        said.reverse()
    if _late_threads(profile, device):
        said.append(
            "Set TF_GPU_THREAD_MODE=gpu_private in the environment: threads of their own launch "
            "the kernels, and do not wait for those of tf.data."
        )
    return " ".join([*said, "A larger batch gives each kernel more to do, and changes training."])


def _fused(profile: Profile) -> str:
    if profile.setting("jit_compile") is True:
        return ""
    where = "to compile" if profile.style in (None, "keras.fit") else "to the step's @tf.function"
    return (
        f"Pass jit_compile=True {where}: XLA makes fewer and longer kernels of the same step, "
        "unless its shapes change from step to step."
    )


def _at_once(profile: Profile) -> str:
    if profile.style not in (None, "keras.fit"):
        return "Make many steps in one call: a loop over the dataset inside the @tf.function."
    if profile.steps is not None and profile.steps.steps_per_execution > 1:
        return ""
    return (
        f"Pass steps_per_execution={STEPS_AT_ONCE} to compile: the GPU then has its next step "
        "without Keras' loop between."
    )


def _late_threads(profile: Profile, device: DeviceActivity | None) -> bool:
    """Whether the threads that launch seem to be held up by others."""
    if dict(profile.environment.variables).get("TF_GPU_THREAD_MODE", "") == "gpu_private":
        return False
    if (profile.host.cpu_percent or 0.0) >= HOST_CPU_HIGH_PERCENT:
        return True
    if device is None or device.idle_host_fraction is None:
        return False
    late = (device.launch_delay_median_s or 0.0) >= LAUNCH_DELAY_S
    return late and device.idle_host_fraction >= LAUNCH_PROBLEM_FRACTION
