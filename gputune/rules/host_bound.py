"""Small steps: the host's fixed cost of a step is a large part of it."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.thresholds import (
    HOST_PROBLEM_FRACTION,
    HOST_WARNING_FRACTION,
    SMALL_STEP_S,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`host-bound` where dispatch and Python take a large part of a small step."""
    steps, breakdown = profile.steps, profile.breakdown
    if steps is None or breakdown is None or not steps.mean_s or breakdown.launch_s is None:
        return
    host_s = breakdown.launch_s + (breakdown.python_s or 0.0)
    per_call_s = steps.mean_s * steps.steps_per_execution
    fraction = host_s / steps.mean_s
    if fraction < HOST_WARNING_FRACTION or per_call_s > SMALL_STEP_S:
        return
    if profile.setting("run_eagerly"):
        remedy = "Compile without run_eagerly=True: every operation is dispatched from Python."
    else:
        remedy = (
            "Pass steps_per_execution to compile (32 is a good first value): one dispatch, one "
            "pass through Keras' loop and one reading of the loss for so many steps. A larger "
            "batch helps too, and changes the training."
        )
    yield Finding(
        id="host-bound",
        severity=Severity.PROBLEM if fraction >= HOST_PROBLEM_FRACTION else Severity.WARNING,
        title=f"{fraction:.0%} of each step is the host's fixed cost, not computation.",
        evidence=(
            f"of a step of {steps.mean_s * 1e3:.3g} ms, dispatch takes "
            f"{breakdown.launch_s * 1e3:.3g} ms and Python with the callbacks "
            f"{(breakdown.python_s or 0.0) * 1e3:.3g} ms",
            f"steps_per_execution is {steps.steps_per_execution}",
        ),
        remedy=remedy,
        site=next((fit.site for fit in profile.fits if fit.analysed), None),
    )
