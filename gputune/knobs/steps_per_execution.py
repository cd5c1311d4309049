"""How many steps one call of the compiled function makes."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, SetArgument, Takes
from gputune.knobs.places import trains_with_fit
from gputune.schema.conditions import STEPS_AT_ONCE
from gputune.schema.config import Setting
from gputune.schema.profile import Profile

FIRST_VALUE = STEPS_AT_ONCE
_MOST = 256
"""Ours: the host's fixed cost of a call is then below a 256th of what it was."""


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """A first value where the host's fixed cost is what a step consists of."""
    steps = profile.steps
    if steps is None or steps.steps_per_execution > 1 or profile.setting("run_eagerly"):
        return ()
    if not trains_with_fit(profile):
        return ()  # only Keras' loop makes several steps in one call
    if not any(finding.id in KNOB.addresses for finding in profile.findings):
        return ()
    epoch = _epoch(profile)
    value = FIRST_VALUE if epoch is None else min(FIRST_VALUE, epoch)
    if value <= 1:
        return ()
    return (
        Setting(
            knob="steps_per_execution",
            value=value,
            was=1,
            note="the host's fixed cost is a large part of each step; callbacks then run once "
            f"every {value} steps",
        ),
    )


def domain(profile: Profile) -> Domain:
    """1, then powers of two from 4 up to the epoch's length."""
    was = profile.steps.steps_per_execution if profile.steps is not None else None
    if not trains_with_fit(profile):
        return Domain(was=was, reason="only Keras' fit makes several steps in one call")
    if profile.setting("run_eagerly"):
        return Domain(was=was, reason="the script runs eagerly: each step is a call of its own")
    most = min(_epoch(profile) or FIRST_VALUE, _MOST)
    values = [1, *(2**k for k in range(2, _MOST.bit_length()) if 2**k <= most)]
    if len(values) == 1:
        return Domain(was=was, reason=f"an epoch has only {most} steps")
    return Domain(values=tuple(values), was=was)


def _epoch(profile: Profile) -> int | None:
    """The steps of an epoch of the analysed fit, where they are known."""
    return next((fit.steps_per_epoch for fit in profile.fits if fit.analysed), None)


KNOB = Knob(
    name="steps_per_execution",
    table="policy",
    takes_effect="fit",
    changes="nothing",
    takes=Takes(least=1),
    addresses=("host-bound", "launch-bound", "waits-for-loss"),
    edits=(SetArgument(method="compile", argument="steps_per_execution"),),
    domain=domain,
    first_values=first_values,
)
