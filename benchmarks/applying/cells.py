"""One cell of the matrix of settings: a knob's value for a script, put in, and found in force.

Also used by the integration tests, on one interpreter a workload.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gputune.knobs.gpu_thread_mode import GLOBAL
from gputune.knobs.knob import Domain, Knob, SetArgument
from gputune.knobs.memory_growth import DEFAULT
from gputune.knobs.places import end_of_pipeline, trains_with_fit
from gputune.knobs.registry import BY_NAME, KNOBS
from gputune.rewrite.patch.patch import make_patch
from gputune.rewrite.snippet import config_to_snippet
from gputune.schema.config import Config, Setting, Value
from gputune.schema.profile import Profile

from .following import follow

INTERPRETERS = ("run", "patch", "snippet")
WITHOUT_GPU = {"memory_growth": DEFAULT, "gpu_thread_mode": GLOBAL}
"""What TensorFlow does by itself can be asked for on every machine."""


@dataclass(frozen=True)
class Wanted:
    """What is to be put into a script, and why not the rest: a reason for each other knob."""

    settings: tuple[Setting, ...]
    reasons: Mapping[str, str]

    def without(self, knob: str, reason: str) -> Wanted:
        """The same without one knob, for a reason."""
        kept = tuple(s for s in self.settings if s.knob != knob)
        return Wanted(kept, {**self.reasons, knob: reason})

    def config(self, script: str) -> Config:
        """The settings as a configuration."""
        table = {s.knob: BY_NAME[s.knob].table for s in self.settings}
        return Config(
            script=script,
            tf_data=tuple(s for s in self.settings if table[s.knob] == "tf_data"),
            policy=tuple(s for s in self.settings if table[s.knob] == "policy"),
        )


def wanted(profile: Profile, only: Sequence[str] = ()) -> Wanted:
    """For every knob another value than the script's own, where it has a place for one."""
    settings, reasons = [], {}
    for knob in KNOBS:
        if only and knob.name not in only:
            continue
        found = _setting(knob, profile)
        if isinstance(found, Setting):
            settings.append(found)
        else:
            reasons[knob.name] = found
    return Wanted(tuple(settings), reasons)


def _setting(knob: Knob, profile: Profile) -> Setting | str:
    domain = knob.domain(profile)
    if knob.name in WITHOUT_GPU and not domain.values:
        return Setting(knob=knob.name, value=WITHOUT_GPU[knob.name])
    if knob.name == "learning_rate":
        own = profile.setting("learning_rate")
        if not isinstance(own, float):
            return "the profile shows no learning rate: a schedule, or a loop of the script's own"
        return Setting(knob=knob.name, value=float(f"{own / 2:.3g}"), was=own)
    place = domain.places[0] if domain.places else None
    own = place.was if place is not None and place.was is not None else domain.was
    value = _another(knob.name, domain, own)
    if value is None:
        return domain.reason or f"its only value is {own}, which the script has"
    return Setting(
        knob=knob.name, value=value, was=own, site=place.site if place else None,
        stage=place.stage if place else "",
    )  # fmt: skip


_CHOSEN: Mapping[str, tuple[Value, ...]] = {
    "prefetch": (4, 2), "num_parallel_calls": (2, 1), "cache": ("memory",),
    "mixed_precision": ("mixed_bfloat16",), "steps_per_execution": (4, 1),
    "interleave": (8, 2),  # tf.data wants it no smaller than the parallel calls
}  # fmt: skip


def _another(knob: str, domain: Domain, own: Value) -> Value:
    """A value of the domain that is not the script's; of a batch the next smaller or larger."""
    values = domain.values
    if knob == "batch_size" and own in values:
        at = values.index(own)
        near = [values[i] for i in (at + 1, at - 1) if 0 <= i < len(values)]
        return near[0] if near else None
    others = [v for v in (*_CHOSEN.get(knob, ()), *values) if v in values and v != own]
    return others[0] if others else None


def is_in_force(profile: Profile, setting: Setting) -> bool:
    """Whether the profile shows the value, at the setting's call where that has one."""
    knob = BY_NAME[setting.knob]
    method = setting.stage.partition("(")[0]
    if not any(isinstance(e, SetArgument) and f".{e.method}" == method for e in knob.edits):
        method = ""  # the place is a call that another one, or an option, stands behind
    for found in profile.config:
        if found.knob not in (knob.name, knob.reported_as):
            continue
        if method and found.note.startswith(".") and not found.note.startswith(f"{method}("):
            continue
        if found.value == setting.value and type(found.value) is type(setting.value):
            return True
        numbers = isinstance(setting.value, float) and isinstance(found.value, float)
        if numbers and math.isclose(found.value, setting.value, rel_tol=1e-5):
            return True
    return False


@dataclass(frozen=True)
class Made:
    """A script with the settings in its source; for the knobs that it lacks a reason each."""

    source: bytes
    refused: Mapping[str, str]


def by_patch(script: Path, settings: Sequence[Setting]) -> Made:
    """The source with the patch of `gputune apply` in it."""
    patch = make_patch(script, settings, _read)
    others = [file.path.name for file in patch.files if file.path != script]
    if others:
        raise ValueError(f"the patch of {script.name} also changes {others}")
    after = patch.files[0].after if patch.files else script.read_bytes()
    refused: dict[str, str] = {}
    made = {one.knob for one in patch.told if one.how in ("made", "already")}
    for one in patch.told:
        if one.how == "refused" and one.knob not in made:
            refused[one.knob] = f"{one.where}: {one.what}" if one.where else one.what
    return Made(after, refused)


def by_snippet(script: Path, config: Config, profile: Profile) -> Made:
    """The source with the snippet pasted above it, and with what its comments say done."""
    text = config_to_snippet(config)
    end = None if trains_with_fit(profile) else end_of_pipeline(profile)
    source, left = follow(text, script.read_text(), script.name, end.site.line if end else None)
    refused = {knob: f"the snippet says it in words: {said}" for knob, said in left.items()}
    if any(s.knob == "memory_growth" for s in config.settings) and not profile.gpus:
        refused["memory_growth"] = "it calls set_memory_growth, which shows on a GPU alone"
    return Made(source.encode(), refused)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def judged(profile: Profile, settings: Sequence[Setting], refused: Mapping[str, str]) -> dict:
    """For each knob `in force`, `cannot be` with the reason, or `MISSING` with what was found."""
    cells = {}
    for setting in settings:
        if setting.knob in refused:
            cells[setting.knob] = {"state": "cannot be", "reason": refused[setting.knob]}
        elif is_in_force(profile, setting):
            cells[setting.knob] = {"state": "in force", "value": setting.value}
        else:
            names = (setting.knob, BY_NAME[setting.knob].reported_as)
            found = [f"{s.value} ({s.note})" for s in profile.config if s.knob in names]
            said = [note for note in profile.notes if note.startswith(f"{setting.knob}:")]
            cells[setting.knob] = {
                "state": "MISSING", "value": setting.value,
                "reason": f"found {', '.join(found) or 'nothing'}; {'; '.join(said)}",
            }  # fmt: skip
    return cells
