"""Keras' fit waits for the loss after every step, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules import host_bound
from gputune.rules.thresholds import LOSS_SPEEDUP
from gputune.schema.conditions import LOSS_SELDOM, STEPS_AT_ONCE, priced
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`waits-for-loss` where one call for many steps would gain 5 % or more.

    Left to `host-bound` where that speaks: the remedy is the same.
    """
    price = priced(profile, LOSS_SELDOM)
    steps = profile.steps
    if price is None or steps is None or not steps.mean_s or price.speedup < LOSS_SPEEDUP:
        return
    if any(True for _ in host_bound.findings(profile)):
        return
    yield Finding(
        id="waits-for-loss",
        severity=Severity.WARNING,
        title="fit turns the loss into a number after every step, and the next step waits for it.",
        evidence=(
            f"a step of {steps.mean_s * 1e3:.3g} ms would take {price.step_s * 1e3:.3g} ms, "
            f"{price.speedup:.2f} times as fast ({price.basis})",
        ),
        remedy=f"Pass steps_per_execution={STEPS_AT_ONCE} to compile: the loss is then read once "
        "in so many steps, and callbacks are called as rarely.",
        site=next((fit.site for fit in profile.fits if fit.analysed), None),
    )
