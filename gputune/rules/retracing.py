"""Functions that are traced again while the training runs."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile
from gputune.schema.training import Retracing


def findings(profile: Profile) -> Iterator[Finding]:
    """`retracing` for each function that was traced again after the third step."""
    for traced in profile.retracing:
        if traced.during_training < 1:
            continue
        times = "once" if traced.during_training == 1 else f"{traced.during_training} times"
        changed = f": {traced.changed}" if traced.changed else ""
        yield Finding(
            id="retracing",
            severity=Severity.WARNING,
            title=f"{traced.function} was traced again {times} during training{changed}.",
            evidence=(
                f"traced {traced.count} times in all, {traced.during_training} of them after the "
                "third step; each takes as long as the first step did",
            ),
            remedy=_remedy(traced),
            site=traced.site,
        )


def _remedy(traced: Retracing) -> str:
    changed = traced.changed.lower()
    if "shape" in changed:
        return (
            "Keep the shape constant: .batch(…, drop_remainder=True), or padding to one length. "
            "In a function of your own, input_signature with None for that dimension, or "
            "reduce_retracing=True."
        )
    if "dtype" in changed:
        return "Give it one dtype: tf.cast in the pipeline, or input_signature."
    if changed:
        return (
            "Pass what changes as a tensor (tf.constant, tf.Variable): each new Python value is "
            "a new trace."
        )
    return (
        "Give it tensors of one shape (drop_remainder=True) and no Python values that change; "
        "input_signature or reduce_retracing=True hold it to one trace. Define it once, outside "
        "of loops."
    )
