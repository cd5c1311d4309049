"""Batch before map: one call of the function for a whole batch. Proposed, never applied."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, Takes
from gputune.schema.profile import Profile

REASON = (
    "proposed, never applied unasked: a function written for one element has to be rewritten for "
    "a batch"
)


def domain(_: Profile) -> Domain:
    """Nothing that can be tried without a rewritten function."""
    return Domain(reason=REASON)


KNOB = Knob(
    name="vectorize",
    table="tf_data",
    takes_effect="pipeline",
    changes="rounding",
    takes=Takes(),
    addresses=("input-bound", "serial-map"),
    edits=(),
    domain=domain,
)
