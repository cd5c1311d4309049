"""What the run shows of the machine and of the measurement itself."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.thresholds import STEADY_P99_OVER_P50
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`no-gpu` and `unstable-steps`."""
    steps = profile.steps
    if steps is None:
        return
    devices = profile.environment.devices
    if devices and not any("GPU" in device for device in devices):
        yield Finding(
            id="no-gpu",
            severity=Severity.NOTE,
            title="TensorFlow used no GPU: the model computed on the CPU.",
            evidence=(f"devices: {', '.join(devices)}",),
            remedy="If this machine has a GPU, its driver or the TensorFlow build is why: "
            "python -c 'import tensorflow as tf; print(tf.config.list_physical_devices())'.",
        )
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
