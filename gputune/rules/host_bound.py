"""Small steps: the host's fixed cost of a step is a large part of it."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.eager import is_eager
from gputune.rules.thresholds import (
    HOST_PROBLEM_FRACTION,
    HOST_WARNING_FRACTION,
    SMALL_STEP_S,
)
from gputune.schema.conditions import LOSS_SELDOM, STEPS_AT_ONCE, priced
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`host-bound` where dispatch and Python take a large part of a small step.

    Not asked of eager training: `eager` says all that there is to do. On a GPU only where Python
    takes more than the launches: those are `launch-bound`.
    """
    steps, breakdown = profile.steps, profile.breakdown
    if is_eager(profile):
        return
    if steps is None or breakdown is None or not steps.mean_s or breakdown.launch_s is None:
        return
    on_gpu = breakdown.device == "gpu"
    if on_gpu and (breakdown.python_s or 0.0) <= breakdown.launch_s:
        return
    host_s = breakdown.launch_s + (breakdown.python_s or 0.0)
    per_call_s = steps.mean_s * steps.steps_per_execution
    fraction = host_s / steps.mean_s
    if fraction < HOST_WARNING_FRACTION or per_call_s > SMALL_STEP_S:
        return
    evidence = [
        f"of a step of {steps.mean_s * 1e3:.3g} ms, "
        f"{'the GPU waits for launches for' if on_gpu else 'dispatch takes'} "
        f"{breakdown.launch_s * 1e3:.3g} ms and "
        f"{'for Python' if on_gpu else 'Python'} with the callbacks "
        f"{(breakdown.python_s or 0.0) * 1e3:.3g} ms",
        f"steps_per_execution is {steps.steps_per_execution}",
    ]
    price = priced(profile, LOSS_SELDOM)
    if price is not None:
        evidence.append(
            f"with {STEPS_AT_ONCE} a step would take {price.step_s * 1e3:.3g} ms ({price.basis})"
        )
    yield Finding(
        id="host-bound",
        severity=Severity.PROBLEM if fraction >= HOST_PROBLEM_FRACTION else Severity.WARNING,
        title=f"{fraction:.0%} of each step {_cost(on_gpu)}.",
        evidence=tuple(evidence),
        remedy=f"{_remedy(profile)} A larger batch helps too, and changes the training.",
        site=next((fit.site for fit in profile.fits if fit.analysed), None),
    )


def _cost(on_gpu: bool) -> str:
    if on_gpu:
        return "the GPU waits for Python and for launches"
    return "is the host's fixed cost, not computation"


def _remedy(profile: Profile) -> str:
    if profile.style in (None, "keras.fit"):
        return (
            f"Pass steps_per_execution to compile ({STEPS_AT_ONCE} is a good first value): one "
            "dispatch, one pass through Keras' loop and one reading of the loss for so many steps."
        )
    return (
        "Make many steps in one call: a loop over the dataset inside the @tf.function, and the "
        "loss read once for all of them."
    )
