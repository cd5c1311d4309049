"""Where a `.cache()` would stand in the pipeline, as far as the run has shown that it may."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.rules.thresholds import CACHED_SHARE
from gputune.schema.profile import Pipeline, Profile, Stage
from gputune.schema.training import Repetition

_OPEN_FILES = (".interleave(", ".flat_map(")
"""The same as `knobs.moving.OPENS`, which a rule may not know."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Behind this stage; `saved_fraction` is the share of the input's work that is above it."""

    stage: Stage
    repetition: Repetition
    saved_fraction: float


def place(profile: Profile) -> Place | None:
    """The place of a cache that saves most; None where none was seen to be sound and to fit.

    Asked for are stages whose elements came again, each of them, and that have no cache behind
    them. A cache whose size is not known counts as one that fits. It saves the work of its stage
    and of all above it; less than a quarter of the pipeline's work is not worth it.
    """
    pipeline = profile.pipeline
    if pipeline is None:
        return None
    work = sum(stage.self_s or 0.0 for stage in pipeline.stages)
    best: Place | None = None
    for repetition in profile.repetitions:
        stage = stage_of(pipeline, repetition)
        if stage is None or not repetition.repeats or repetition.fits is False or work <= 0:
            continue
        if any(_is_cache(behind) for behind in towards_model(pipeline, stage)):
            continue
        saved = sum(s.self_s or 0.0 for s in (stage, *above(pipeline, stage))) / work
        # Of places that save the same, the one that is nearer to the source comes first.
        if saved >= CACHED_SHARE and (best is None or saved > best.saved_fraction):
            best = Place(stage=stage, repetition=repetition, saved_fraction=saved)
    return best


def repetition_of(profile: Profile, stage: Stage) -> Repetition | None:
    """What was seen of a stage's elements, None where nothing was asked of it."""
    pipeline = profile.pipeline
    if pipeline is None:
        return None
    return next((r for r in profile.repetitions if stage_of(pipeline, r) is stage), None)


def stage_of(pipeline: Pipeline, repetition: Repetition) -> Stage | None:
    """The stage that carries out the call which a repetition is about."""
    for stage in pipeline.stages:
        if repetition.label not in (stage.label, *stage.calls):
            continue
        if stage.label != repetition.label or stage.site == repetition.site:
            return stage
    return None


def above(pipeline: Pipeline, stage: Stage) -> list[Stage]:
    """The stages that feed this one, nearest first."""
    fed = {stage.index}
    found = []
    for other in sorted(pipeline.stages, key=lambda s: s.index):
        if other.parent in fed:
            fed.add(other.index)
            found.append(other)
    return found


def towards_model(pipeline: Pipeline, stage: Stage) -> list[Stage]:
    """The stages between this one and the model."""
    by_index = {s.index: s for s in pipeline.stages}
    found = []
    parent = stage.parent
    while parent is not None and parent in by_index:
        found.append(by_index[parent])
        parent = by_index[parent].parent
    return found


def opens_files(pipeline: Pipeline, stage: Stage) -> bool:
    """Whether what a cache behind the stage would keep is read from files by a call above it."""
    return any(
        label.startswith(_OPEN_FILES)
        for one in (stage, *above(pipeline, stage))
        for label in one.calls or (one.label,)
    )


def moved_behind(pipeline: Pipeline, stage: Stage) -> list[str]:
    """The calls above the stage that belong behind its cache: shuffles and repetitions.

    What stands above the opening of files concerns the files, and stays.
    """
    if stage.label.startswith(_OPEN_FILES):
        return []
    found: list[str] = []
    for other in above(pipeline, stage):
        for label in reversed(other.calls or (other.label,)):  # listed from the source on
            if label.startswith(_OPEN_FILES):
                return found[::-1]
            if label.startswith((".shuffle(", ".repeat(")):
                found.append(label)
    return found[::-1]


def _is_cache(stage: Stage) -> bool:
    return stage.label.startswith(".cache(") or "Cache" in stage.op
