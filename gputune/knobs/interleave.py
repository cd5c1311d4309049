"""How many files an `interleave` has open at once; they are read in parallel."""

from __future__ import annotations

from gputune.knobs.knob import AUTOTUNE, Domain, Knob, SetArgument, Takes
from gputune.knobs.places import has_pipeline, places_of
from gputune.schema.profile import Profile

_MOST = 32
"""Ours: of more open files than that no reader of a local disk has a use."""


def domain(profile: Profile) -> Domain:
    """Powers of two from 1 to twice the cores, at least to 8, at each `interleave` by itself."""
    if not has_pipeline(profile):
        return Domain(reason="the training is not fed by a tf.data pipeline")
    places = places_of(profile, "interleave_cycle_length", "interleave")
    if not places:
        return Domain(reason="the pipeline has no .interleave")
    most = min(max(2 * int(profile.environment.cores or 1), 8), _MOST)
    return Domain(values=tuple(2**k for k in range(most.bit_length())), places=places)


KNOB = Knob(
    name="interleave",
    table="tf_data",
    takes_effect="pipeline",
    changes="order",
    takes=Takes(least=1),
    addresses=("input-bound",),
    edits=(
        SetArgument(method="interleave", argument="cycle_length"),
        # Without it the files of a cycle are read one after another, in one thread.
        SetArgument(
            method="interleave",
            argument="num_parallel_calls",
            fixed=AUTOTUNE,
            words=((AUTOTUNE, -1),),
        ),
    ),
    domain=domain,
    reported_as="interleave_cycle_length",
)
