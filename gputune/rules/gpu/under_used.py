"""The GPU does nothing for a large part of the time, or in bursts."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.seen import (
    fit_site,
    gpu_label,
    gpu_parts,
    share,
    trains_on_gpu,
    working_devices,
    working_gpus,
)
from gputune.rules.gpu.waits import Wait, largest_wait
from gputune.rules.thresholds import (
    BUSY_LOW_FRACTION,
    UTILIZATION_FLOOR_PERCENT,
    UTILIZATION_LOW_PERCENT,
    UTILIZATION_SAMPLES,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import DeviceActivity, Gpu
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`gpu-under-used`, or where that is silent `gpu-fluctuating`.

    A note where another finding speaks of what the GPU waits for.
    """
    yield from under_used(profile) or _fluctuating(profile)


def under_used(profile: Profile) -> tuple[Finding, ...]:
    """`gpu-under-used` where kernels run for less than 70 % of the step.

    Where the trace does not tell, SageMaker's rule: the 95th percentile of the driver's samples.
    """
    if not trains_on_gpu(profile):
        return ()
    found = {a.index: _busy(profile, a) for a in working_devices(profile)}
    traced = {index: busy for index, busy in found.items() if busy is not None}
    low = [
        f"{gpu_label(profile, index)} runs kernels for {busy:.0%} of the step, by the trace"
        for index, busy in traced.items()
        if busy < BUSY_LOW_FRACTION
    ]
    sampled = [gpu for gpu in working_gpus(profile) if gpu.index not in traced]
    low += [_by_driver(profile, gpu) for gpu in sampled if _rarely_busy(gpu)]
    if not low:
        return ()
    wait = largest_wait(profile)
    return (
        Finding(
            id="gpu-under-used",
            severity=_severity(wait),
            title=f"The GPU is not working for a large part of the time{_why(wait)}.",
            evidence=(*low, *_idle(profile), *_bursts(profile), *_host(profile)),
            remedy=_remedy(wait),
            site=fit_site(profile),
        ),
    )


def _busy(profile: Profile, device: DeviceActivity) -> float | None:
    """The share of the clean step in which kernels run.

    Tracing slows the host, not the kernels: the traced share is of the traced step.
    """
    steps, parts = profile.steps, gpu_parts(profile)
    if device.busy_fraction is None or steps is None or not steps.mean_s:
        return None
    traced_s = next((p.step_s for p in profile.phases if p.name == "trace"), None)
    busy = device.busy_fraction * (traced_s / steps.mean_s if traced_s else 1.0)
    if parts is not None:
        busy -= share(profile, (parts.h2d_exposed_s or 0.0) + (parts.d2h_exposed_s or 0.0)) or 0.0
    return min(max(busy, 0.0), 1.0)


def _rarely_busy(gpu: Gpu) -> bool:
    p95 = gpu.utilization_p95_percent
    return p95 is not None and p95 < UTILIZATION_LOW_PERCENT


def _bursting(gpu: Gpu) -> bool:
    p5, p95 = gpu.utilization_p5_percent, gpu.utilization_p95_percent
    if p5 is None or p95 is None or gpu.samples < UTILIZATION_SAMPLES:
        return False
    return p95 > UTILIZATION_LOW_PERCENT and p5 < UTILIZATION_FLOOR_PERCENT


def _by_driver(profile: Profile, gpu: Gpu) -> str:
    text = f"{gpu_label(profile, gpu.index)} is in use for at most "
    text += f"{gpu.utilization_p95_percent or 0.0:.0f}% of the time in 95% of the driver's samples"
    if gpu.utilization_percent is not None:
        text += f", {gpu.utilization_percent:.0f}% in the mean"
    return text


def _bursts(profile: Profile) -> Iterator[str]:
    for gpu in working_gpus(profile):
        if _bursting(gpu):
            yield (
                f"{gpu_label(profile, gpu.index)} works in bursts: the driver's samples go from "
                f"{gpu.utilization_p5_percent:.0f}% (5th percentile) to "
                f"{gpu.utilization_p95_percent:.0f}% (95th)"
            )


def _idle(profile: Profile) -> Iterator[str]:
    for device in working_devices(profile):
        parts = (
            ("for the input", device.idle_input_fraction),
            ("for the host", device.idle_host_fraction),
            ("between kernels", device.idle_gaps_fraction),
        )
        known = [f"{value:.0%} {words}" for words, value in parts if value is not None]
        if known:
            yield f"in the traced steps GPU {device.index} is idle {', '.join(known)}"


def _host(profile: Profile) -> Iterator[str]:
    if profile.host.cpu_percent is not None:
        yield f"the host's cores are busy for {profile.host.cpu_percent:.0f}% of the time"


def _fluctuating(profile: Profile) -> Iterator[Finding]:
    evidence = tuple(_bursts(profile))
    if not evidence:
        return
    wait = largest_wait(profile)
    remedy = (
        "Look for what stops the training now and then: a pipeline that delivers in bursts, "
        "callbacks, checkpoints, evaluation between the steps."
    )
    yield Finding(
        id="gpu-fluctuating",
        severity=_severity(wait),
        title=f"The GPU works in bursts{_why(wait)}.",
        evidence=evidence,
        remedy=_remedy(wait) if wait is not None else remedy,
        site=fit_site(profile),
    )


def _severity(wait: Wait | None) -> Severity:
    return Severity.NOTE if wait is not None and wait.said_by else Severity.WARNING


def _why(wait: Wait | None) -> str:
    return "" if wait is None else f": {wait.fraction:.0%} of each step it waits for {wait.words}"


def _remedy(wait: Wait | None) -> str:
    if wait is None:
        return (
            "What it waits for could not be told from this run: see what is not available, and why."
        )
    return f"The finding {wait.said_by} says what helps." if wait.said_by else wait.remedy
