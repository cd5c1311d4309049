"""How many steps one call of the compiled function makes."""

from __future__ import annotations

from gputune.knobs.knob import Knob, SetArgument
from gputune.schema.conditions import STEPS_AT_ONCE
from gputune.schema.config import Setting
from gputune.schema.profile import Profile

FIRST_VALUE = STEPS_AT_ONCE


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """A first value where the host's fixed cost is what a step consists of."""
    steps = profile.steps
    if steps is None or steps.steps_per_execution > 1 or profile.setting("run_eagerly"):
        return ()
    if profile.style not in (None, "keras.fit"):
        return ()  # only Keras' loop makes several steps in one call
    if not any(finding.id in KNOB.addresses for finding in profile.findings):
        return ()
    epoch = next((fit.steps_per_epoch for fit in profile.fits if fit.analysed), None)
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


KNOB = Knob(
    name="steps_per_execution",
    table="policy",
    takes_effect="fit",
    changes="nothing",
    addresses=("host-bound", "waits-for-loss"),
    edits=(SetArgument(method="compile", argument="steps_per_execution"),),
    first_values=first_values,
)
