"""Where in a profile's pipeline a knob is turned."""

from __future__ import annotations

from gputune.knobs.knob import Place
from gputune.knobs.moving import MAY_STAY, OPENS
from gputune.schema.profile import Profile, Stage
from gputune.schema.site import Site

KERAS = "keras.fit"
_SHUFFLE = f".{MAY_STAY}("
_OPENS = tuple(f".{method}(" for method in OPENS)
FEEDS_TF_DATA = ("tf.data", "distributed tf.data")


def trains_with_fit(profile: Profile) -> bool:
    """Whether Keras' `fit` is given the input: its end is then known without a line."""
    return profile.style in (None, KERAS)


def has_pipeline(profile: Profile) -> bool:
    """Whether the training is fed by a `tf.data` pipeline of the script's."""
    return profile.pipeline is not None and profile.pipeline.source in FEEDS_TF_DATA


def end_of_pipeline(profile: Profile) -> Place | None:
    """The last recorded call of the pipeline; None where no line is known.

    That of the stage next to the model, or, where several calls are fused in that, the last call
    that `Profile.config` lists (it is in the order of the pipeline).
    """
    stages = profile.pipeline.stages if profile.pipeline is not None else ()
    own = [stage for stage in stages if not stage.injected and stage.site is not None]
    if own and own[0].site is not None and len(own[0].calls) <= 1:
        return Place(site=own[0].site, stage=_call(own[0]))
    for setting in reversed(profile.config):
        label = setting.note.partition(": not set")[0]
        if setting.site is not None and label.startswith("."):
            return Place(site=setting.site, stage=label)
    return None


def stage_at(profile: Profile, site: Site | None) -> str:
    """The label of the stage whose call stands there, or nothing."""
    stages = profile.pipeline.stages if profile.pipeline is not None else ()
    return next((_call(stage) for stage in stages if site is not None and stage.site == site), "")


def _call(stage: Stage) -> str:
    """The label of the call that the stage's site is of."""
    return stage.label if stage.label.startswith(".") else ""


def mixes_elements(profile: Profile, label: str, site: Site | None) -> bool:
    """Whether a shuffle of elements, not of files, stands around the call, as far as stages show.

    Above it such a shuffle moves behind whatever is put there; behind it, it stays.
    """
    stages = profile.pipeline.stages if profile.pipeline is not None else ()
    by_index = {stage.index: stage for stage in stages}
    own = next((s for s in stages if label in (s.label, *s.calls) and site in (None, s.site)), None)
    own = own or next((s for s in stages if label in (s.label, *s.calls)), None)
    if own is None:
        return False
    nearer, at = list(own.calls), own.parent
    while at is not None and at in by_index:
        nearer += by_index[at].calls or (by_index[at].label,)
        at = by_index[at].parent
    if any(call.startswith(_SHUFFLE) for call in nearer):
        return True
    fed, opened = {own.index}, label.startswith(_OPENS)
    for stage in sorted(stages, key=lambda s: s.index):
        if opened or stage.parent not in fed:
            continue
        fed.add(stage.index)
        for call in reversed(stage.calls or (stage.label,)):  # listed from the source on
            if call.startswith(_SHUFFLE):
                return True
            opened = opened or call.startswith(_OPENS)
            if opened:
                break
    return False


def places_of(profile: Profile, knob: str, method: str) -> tuple[Place, ...]:
    """The calls of `.method(…)` that `Profile.config` lists with the knob, each once."""
    found = {}
    for setting in profile.config:
        label = setting.note.partition(": not set")[0]
        if setting.knob == knob and setting.site and label.startswith(f".{method}("):
            found[(setting.site, label)] = Place(site=setting.site, stage=label, was=setting.value)
    return tuple(found.values())
