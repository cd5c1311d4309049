"""Whether XLA compiles the step."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, SetArgument, Takes
from gputune.knobs.places import trains_with_fit
from gputune.schema.profile import Profile

AUTO = "auto"
"""Keras decides: it compiles where the model and the device support it."""


def domain(profile: Profile) -> Domain:
    """Both; `auto` is one of the two, and the profile says which."""
    was = profile.setting("jit_compile")
    if not trains_with_fit(profile):
        return Domain(was=was, reason="only Keras' compile takes it; a loop compiles by itself")
    if profile.setting("run_eagerly"):
        return Domain(was=was, reason="the script runs eagerly: nothing is compiled")
    if any(found.during_training for found in profile.retracing):
        return Domain(was=was, reason="shapes change while it trains, and each is compiled anew")
    return Domain(values=(False, True), was=was)


KNOB = Knob(
    name="jit_compile",
    table="policy",
    takes_effect="fit",
    changes="rounding",
    takes=Takes(truth=True, words=(AUTO,)),
    addresses=("host-bound", "launch-bound", "memory-bound", "low-mfu", "small-batch"),
    edits=(SetArgument(method="compile", argument="jit_compile"),),
    domain=domain,
)
