"""How many steps one call of the compiled function makes."""

from __future__ import annotations

from gputune.knobs.knob import Knob, SetArgument
from gputune.schema.config import Setting
from gputune.schema.profile import Profile

FIRST_VALUE = 32
"""Large enough that the fixed cost of a call hardly counts, small beside an epoch."""


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """A first value where the host's fixed cost is what a step consists of."""
    steps = profile.steps
    if steps is None or steps.steps_per_execution > 1 or profile.setting("run_eagerly"):
        return ()
    if not any(finding.id == "host-bound" for finding in profile.findings):
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
    addresses=("host-bound",),
    edits=(SetArgument(method="compile", argument="steps_per_execution"),),
    first_values=first_values,
)
