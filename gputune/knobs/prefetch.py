"""How many batches are made ahead of the step."""

from __future__ import annotations

from gputune.knobs.knob import AUTOTUNE, AUTOTUNED, NONE, Domain, InsertCall, Knob, Place, Takes
from gputune.knobs.machine import Machine, machine_of, needs_gpu
from gputune.knobs.places import end_of_pipeline, has_pipeline, places_of, trains_with_fit
from gputune.schema.config import Setting, Value
from gputune.schema.profile import Profile

DEVICE = "device"
"""`tf.data.experimental.prefetch_to_device`: the batches wait on the GPU."""


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """AUTOTUNE at the end of a pipeline that has no prefetch, TensorFlow's own included."""
    pipeline = profile.pipeline
    if pipeline is None or pipeline.source != "tf.data" or not pipeline.stages:
        return ()
    if not any(f.id in ("input-bound", "order:prefetch-not-last") for f in profile.findings):
        return ()
    if pipeline.stages[0].op.startswith("Prefetch"):
        return ()
    note = "nothing is made ahead of the step"
    if trains_with_fit(profile):
        return (Setting(knob="prefetch", value=AUTOTUNE, note=note),)
    end = end_of_pipeline(profile)
    if end is None:  # a loop's pipeline has no other end than the line that makes it
        return ()
    return (Setting(knob="prefetch", value=AUTOTUNE, site=end.site, note=note, stage=end.stage),)


def domain(profile: Profile) -> Domain:
    """None, a few depths, AUTOTUNE, and on a GPU the device's own memory."""
    if not has_pipeline(profile):
        return Domain(reason="the training is not fed by a tf.data pipeline of the script's")
    present = profile.setting("prefetch")
    was: Value = NONE if present is None else present
    places: tuple[Place, ...] = ()
    if not trains_with_fit(profile):
        end = end_of_pipeline(profile)
        places = places_of(profile, "prefetch", "prefetch")[-1:] or ((end,) if end else ())
        if not places:
            return Domain(was=was, reason="the line at which the pipeline ends is not known")
    values: tuple[Value, ...] = (NONE, 1, 2, 4, 8, AUTOTUNE)
    # Keras puts calls of its own behind the pipeline, and these must be on the host.
    if machine_of(profile).gpus and not trains_with_fit(profile):
        values = (*values, DEVICE)
    return Domain(values=values, was=was, places=places)


def unsupported(value: Value, machine: Machine) -> str:
    """Without a GPU there is no device to prefetch to."""
    return needs_gpu(machine, "there is no device to prefetch to") if value == DEVICE else ""


KNOB = Knob(
    name="prefetch",
    table="tf_data",
    takes_effect="pipeline",
    changes="nothing",
    takes=Takes(least=1, words=(AUTOTUNE, NONE, DEVICE)),
    addresses=("input-bound", "order:prefetch-not-last", "order:cache-after-prefetch"),
    edits=(
        InsertCall(
            method="prefetch",
            argument="buffer_size",
            place="last",
            words=AUTOTUNED,
            absent=NONE,
            to_device=DEVICE,
        ),
    ),
    domain=domain,
    first_values=first_values,
    unsupported=unsupported,
    always=True,
)
