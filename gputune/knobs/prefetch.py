"""How many batches are made ahead of the step."""

from __future__ import annotations

from gputune.knobs.knob import InsertCall, Knob, SetArgument
from gputune.schema.config import Setting
from gputune.schema.profile import Profile


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """AUTOTUNE at the end of a pipeline that has no prefetch, TensorFlow's own included."""
    pipeline = profile.pipeline
    if pipeline is None or pipeline.source != "tf.data" or not pipeline.stages:
        return ()
    if not any(f.id in ("input-bound", "order:prefetch-not-last") for f in profile.findings):
        return ()
    if pipeline.stages[0].op.startswith("Prefetch"):
        return ()
    return (Setting(knob="prefetch", value="AUTOTUNE", note="nothing is made ahead of the step"),)


KNOB = Knob(
    name="prefetch",
    table="tf_data",
    takes_effect="pipeline",
    changes="nothing",
    addresses=("input-bound", "order:prefetch-not-last", "order:cache-after-prefetch"),
    edits=(
        SetArgument(method="prefetch", argument="buffer_size"),
        InsertCall(method="prefetch", argument="buffer_size", place="last"),
    ),
    first_values=first_values,
)
