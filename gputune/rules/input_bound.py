"""The step waits for its input, and the line that it waits for."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.caching import above, moved_behind, place, repetition_of
from gputune.rules.thresholds import (
    INPUT_CERTAIN_FRACTION,
    INPUT_PROBLEM_FRACTION,
    INPUT_WARNING_FRACTION,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile, Stage
from gputune.schema.site import Site


def findings(profile: Profile) -> Iterator[Finding]:
    """`input-bound` where the wait is certain and at least 5 % of the step."""
    steps, breakdown = profile.steps, profile.breakdown
    if steps is None or breakdown is None or not steps.mean_s or breakdown.input_wait_s is None:
        return
    if not waits_for_input(profile):
        return
    wait_s, fraction = breakdown.input_wait_s, breakdown.input_wait_s / steps.mean_s
    interval = breakdown.ci95_input_wait_s
    stage = culprit(profile)
    evidence = [
        f"a step takes {_ms(steps.mean_s)}, on a batch held in memory "
        f"{_ms(steps.mean_s - wait_s)}: it waits {_ms(wait_s)}{_between(interval)} for input"
    ]
    pipeline = profile.pipeline
    if pipeline is not None and pipeline.measured_max_batches_per_s:
        evidence.append(
            f"the input alone delivers {pipeline.measured_max_batches_per_s:.3g} batches/s"
        )
    if stage is not None:
        evidence.append(stage_evidence(stage))
    problem = fraction >= INPUT_PROBLEM_FRACTION
    yield Finding(
        id="input-bound",
        severity=Severity.PROBLEM if problem else Severity.WARNING,
        title=f"{fraction:.0%} of each step waits for input{_by(profile, stage)}.",
        evidence=tuple(evidence),
        remedy=_remedy(profile, stage),
        site=_site(profile, stage),
    )


def waits_for_input(profile: Profile) -> bool:
    """Whether the wait for input is at least 5 % of the step, and surely 2.5 %."""
    steps, breakdown = profile.steps, profile.breakdown
    if steps is None or breakdown is None or not steps.mean_s or not breakdown.input_wait_s:
        return False
    interval = breakdown.ci95_input_wait_s
    if interval is not None and interval[0] < INPUT_CERTAIN_FRACTION * steps.mean_s:
        return False
    return breakdown.input_wait_s / steps.mean_s >= INPUT_WARNING_FRACTION


def culprit(profile: Profile) -> Stage | None:
    """The stage that limits the pipeline, or None where it is not known."""
    pipeline = profile.pipeline
    if pipeline is None or pipeline.bottleneck is None:
        return None
    return next((s for s in pipeline.stages if s.index == pipeline.bottleneck), None)


def stage_evidence(stage: Stage) -> str:
    """What the stage costs, in one sentence."""
    where = f"{stage.site.label()} " if stage.site is not None else ""
    cost = f"{where}{stage.label} takes {_ms(stage.self_s)} for a batch"
    if stage.elements_per_batch and stage.elements_per_batch > 1.5 and stage.element_s:
        cost += f" ({_ms(stage.element_s)} for each of {stage.elements_per_batch:.0f} elements)"
    if stage.parallelism and stage.parallelism > 1:
        chosen = ", chosen by AUTOTUNE" if stage.parallelism_autotuned else ""
        cost += f", {stage.parallelism:.0f} at a time{chosen}"
    return cost


def _by(profile: Profile, stage: Stage | None) -> str:
    site = _site(profile, stage)
    if stage is None or site is None:
        return ""
    return f", made slow by {site.label()} {stage.label}"


def _site(profile: Profile, stage: Stage | None) -> Site | None:
    if stage is not None and stage.site is not None:
        return stage.site
    return next((fit.site for fit in profile.fits if fit.analysed), None)


def _remedy(profile: Profile, stage: Stage | None) -> str:
    if stage is None:
        return "Make the input faster: its stages could not be told apart in this run."
    cache = _cache_remedy(profile, stage)
    if cache:
        return cache
    if stage.python:
        return (
            f"Replace the Python in {stage.label} by TensorFlow operations, or make the data "
            "ready before training: Python runs one element at a time, whatever the parallelism."
        )
    if stage.label.startswith(".map"):
        return _map_remedy(profile, stage, profile.environment.cores or 1)
    once = _once(profile, stage)
    return f"Make {stage.label} cheaper{f', or do its work once: {once}' if once else ''}."


def _cache_remedy(profile: Profile, stage: Stage) -> str:
    """The first words of what `no-cache` says in full, where it speaks of this stage."""
    found, pipeline = place(profile), profile.pipeline
    if found is None or pipeline is None:
        return ""
    if stage.index not in {s.index for s in (found.stage, *above(pipeline, found.stage))}:
        return ""
    moved = "".join(f", and {label} behind that" for label in moved_behind(pipeline, found.stage))
    return f"Put .cache() behind {found.repetition.label}{moved}. The finding no-cache says why."


def _once(profile: Profile, stage: Stage) -> str:
    """How the stage's work could be done once, by what was seen of its elements; or nothing."""
    seen = repetition_of(profile, stage)
    if seen is None or (not seen.elements and "random" not in seen.reason):
        return ".cache() behind it where its result is the same in every epoch and fits in memory"
    if not seen.repeats:
        return ""
    return ".cache(FILE) behind it, on a local disk, since its result does not fit in memory"


def _map_remedy(profile: Profile, stage: Stage, cores: float) -> str:
    at_once = stage.parallelism or 1
    if not stage.op.startswith(("Parallel", "MapAndBatch")):
        return (
            f"Give {stage.label} num_parallel_calls=tf.data.AUTOTUNE. "
            "TensorFlow runs it serially, since its function is stateful."
        )
    if at_once < cores and not stage.parallelism_autotuned:
        return (
            f"Give {stage.label} num_parallel_calls=tf.data.AUTOTUNE. "
            f"It runs {at_once:.0f} at a time, and {cores:.3g} cores may be used."
        )
    parallel = f"It already runs {at_once:.0f} at a time: num_parallel_calls alone will not help."
    once = _once(profile, stage)
    if not once:
        return (
            f"Make {stage.label} cheaper: its result is another each time, so it cannot be cached. "
            f"{parallel}"
        )
    return f"Do the work of {stage.label} once: {once}, or store its result on disk. {parallel}"


def _between(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return ""
    return f" (95 % interval {_ms(max(interval[0], 0.0))} to {_ms(interval[1])})"


def _ms(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else f"{seconds * 1e3:.3g} ms"
