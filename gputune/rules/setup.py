"""What the run shows of the machine and of the measurement itself."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.thresholds import STEADY_P99_OVER_P50
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`gpu-not-used` or `no-gpu`, `unstable` and `unstable-steps`."""
    steps = profile.steps
    if steps is None:
        return
    devices = profile.environment.devices
    if devices and not any("GPU" in device for device in devices):
        yield _not_used(profile) if profile.gpus else _none(profile)
    if steps.stable is False:
        yield Finding(
            id="unstable",
            severity=Severity.NOTE,
            title="The step time did not settle in the time given.",
            evidence=(steps.stable_reason,),
            remedy="Measure longer (--max-seconds) or on a quieter machine.",
        )
    if steps.p99_s and steps.median_s and steps.p99_s > STEADY_P99_OVER_P50 * steps.median_s:
        yield Finding(
            id="unstable-steps",
            severity=Severity.NOTE,
            title="Some steps take far longer than most.",
            evidence=(f"median {steps.median_s * 1e3:.3g} ms, p99 {steps.p99_s * 1e3:.3g} ms",),
            remedy="A pipeline that delivers in bursts, or another process on the machine.",
        )


def _not_used(profile: Profile) -> Finding:
    """The driver shows the script a GPU, and TensorFlow has none."""
    environment = profile.environment
    build = "a TensorFlow built without CUDA"
    remedy = "Install the build with CUDA (pip install 'tensorflow[and-cuda]')."
    if environment.cuda is not None:
        build = f"a TensorFlow built for CUDA {environment.cuda}"
        remedy = (
            "`gputune doctor` says why: a library that does not load, a driver too old for this "
            "CUDA, a variable that hides it. tf.config.set_visible_devices([], 'GPU') in the "
            "script hides it too."
        )
    return Finding(
        id="gpu-not-used",
        severity=Severity.PROBLEM,
        title="The machine has a GPU for this script, and TensorFlow did not use it.",
        evidence=(
            f"the driver lists {', '.join(f'GPU {g.index} ({g.name})' for g in profile.gpus)}",
            f"TensorFlow's devices: {', '.join(environment.devices)}",
            f"it is {build}",
        ),
        remedy=remedy,
    )


def _none(profile: Profile) -> Finding:
    return Finding(
        id="no-gpu",
        severity=Severity.NOTE,
        title="TensorFlow used no GPU: the model computed on the CPU.",
        evidence=(f"devices: {', '.join(profile.environment.devices)}",),
        remedy="If this machine has a GPU, `gputune doctor` says why TensorFlow does not see it.",
    )
