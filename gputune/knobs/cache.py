"""Keep what a stage made in the first epoch for all others."""

from __future__ import annotations

from gputune.knobs.knob import InsertCall, Knob
from gputune.schema.config import Setting
from gputune.schema.profile import Profile


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """A cache in memory behind the stage that a finding names, which repeats and surely fits."""
    fitting = [repetition.site for repetition in profile.repetitions if repetition.fits]
    return tuple(
        Setting(knob="cache", value="memory", site=finding.site, note=finding.remedy)
        for finding in profile.findings
        if finding.id == "no-cache" and finding.site is not None and finding.site in fitting
    )


KNOB = Knob(
    name="cache",
    table="tf_data",
    takes_effect="pipeline",
    changes="order",
    addresses=("no-cache", "input-bound"),
    edits=(InsertCall(method="cache", argument="filename", place="behind"),),
    first_values=first_values,
)
