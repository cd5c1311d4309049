"""A `map` that runs one element after another, and whether that matters."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.input_bound import culprit, stage_evidence, waits_for_input
from gputune.rules.thresholds import STAGE_SHARE
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Pipeline, Profile, Stage


def findings(profile: Profile) -> Iterator[Finding]:
    """`serial-map` for each serial map, a note unless the step waits for it.

    TensorFlow runs a `map` without `num_parallel_calls` in parallel by itself, unless its function
    is stateful; such a map needs no change, and adding the argument would change nothing.
    """
    pipeline, breakdown, steps = profile.pipeline, profile.breakdown, profile.steps
    if pipeline is None or breakdown is None or steps is None or not steps.mean_s:
        return
    waits = waits_for_input(profile)
    limiting = culprit(profile)
    for stage in pipeline.stages:
        if not _is_serial_map(stage) or stage.python or not stage.self_s:
            continue
        if stage.self_s < STAGE_SHARE * slowest_s(pipeline):
            continue
        matters = waits and limiting is not None and limiting.index == stage.index
        yield Finding(
            id="serial-map",
            severity=Severity.WARNING if matters else Severity.NOTE,
            title=f"{stage.label} runs one element at a time.",
            evidence=(
                stage_evidence(stage),
                "its function is stateful (random operations), so TensorFlow does not run it in "
                "parallel by itself",
            ),
            remedy=f"Give {stage.label} num_parallel_calls=tf.data.AUTOTUNE. With seeded random "
            "operations the order of the random numbers changes."
            if matters
            else "Nothing to do while the step does not wait for it.",
            site=stage.site,
        )


def slowest_s(pipeline: Pipeline) -> float:
    """Seconds for a batch of the stage that limits the pipeline, 0 where unknown."""
    rates = [s.max_batches_per_s for s in pipeline.stages if s.max_batches_per_s]
    return 1 / min(rates) if rates else 0.0


def _is_serial_map(stage: Stage) -> bool:
    return stage.label.startswith(".map") and stage.op.split("[")[0] in ("Map", "MapV2")
