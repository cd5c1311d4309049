"""How many elements a `map` works on at once."""

from __future__ import annotations

from gputune.knobs.knob import Knob, SetArgument
from gputune.schema.config import Setting
from gputune.schema.profile import Profile


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """AUTOTUNE for each serial map that a finding names."""
    return tuple(
        Setting(
            knob="num_parallel_calls",
            value="AUTOTUNE",
            site=finding.site,
            note="runs one element at a time, and the step waits for it",
        )
        for finding in profile.findings
        if finding.id == "serial-map" and finding.site is not None and finding.severity != "note"
    )


KNOB = Knob(
    name="num_parallel_calls",
    table="tf_data",
    takes_effect="pipeline",
    changes="order",
    addresses=("serial-map",),
    edits=(SetArgument(method="map", argument="num_parallel_calls"),),
    first_values=first_values,
)
