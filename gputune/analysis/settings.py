"""The knob values in force, each with the line that sets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputune.analysis.calls import label, site, site_of
from gputune.schema.config import DECLARED, Setting, Value
from gputune.schema.declared import DeclaredKnob

AUTOTUNE = "AUTOTUNE"

# Arguments of recorded calls that are knobs: method -> ((argument, knob), …).
_KNOBS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "map": (("num_parallel_calls", "num_parallel_calls"), ("deterministic", "deterministic")),
    "interleave": (
        ("cycle_length", "interleave_cycle_length"),
        ("num_parallel_calls", "num_parallel_calls"),
        ("deterministic", "deterministic"),
    ),
    "batch": (("batch_size", "batch_size"), ("num_parallel_calls", "num_parallel_calls")),
    "padded_batch": (("batch_size", "batch_size"),),
    "prefetch": (("buffer_size", "prefetch"),),
    "shuffle": (("buffer_size", "shuffle_buffer"),),
}


def settings_in_force(
    begin: Mapping[str, Any], chain: Sequence[Mapping[str, Any]]
) -> tuple[Setting, ...]:
    """The settings of a fit: those of its pipeline's calls, then those of `compile` and `fit`.

    `chain` are the recorded calls from the source to the model. A call that leaves a knob to
    TensorFlow is listed with None and says so.
    """
    found: list[Setting] = []
    for call in chain:
        if not (call.get("site") or {}).get("direct", True):
            continue
        arguments = call.get("arguments") or {}
        for argument, knob in _KNOBS.get(str(call["method"]), ()):
            if argument == "deterministic" and argument not in arguments:
                continue
            value = _value(arguments.get(argument))
            note = label(call) if value is not None else f"{label(call)}: not set"
            found.append(Setting(knob=knob, value=value, site=site_of(call), note=note))
        if call["method"] == "cache":
            where = "file" if arguments.get("filename") else "memory"
            found.append(Setting(knob="cache", value=where, site=site_of(call)))
        for name, value in (arguments.get("options") or {}).items():
            found.append(Setting(knob=f"options.{name}", value=_value(value), site=site_of(call)))
    here = site(begin.get("site"))
    if not any(setting.knob == "batch_size" for setting in found):
        found += _of_library(chain)
    if not any(setting.knob == "batch_size" for setting in found):
        found.append(Setting(knob="batch_size", value=_value(begin.get("batch_size")), site=here))
    if begin.get("style", "keras.fit") == "keras.fit":
        found += _of_compile(begin)
    found.append(
        Setting(knob="mixed_precision", value=begin.get("precision"), note="global dtype policy")
    )
    return tuple(found)


def declared_knobs(events: Sequence[Mapping[str, Any]]) -> tuple[DeclaredKnob, ...]:
    """The knobs that the script declares, each place once, with the value that it was given."""
    found = {}
    for event in events:
        where = site(event.get("site"))
        found[(event["name"], where)] = DeclaredKnob(
            name=str(event["name"]),
            default=event.get("default"),
            value=event.get("value"),
            choices=tuple(event.get("choices") or ()),
            low=event.get("low"),
            high=event.get("high"),
            log=bool(event.get("log")),
            site=where,
        )
    return tuple(found.values())


def declared_settings(knobs: Sequence[DeclaredKnob]) -> tuple[Setting, ...]:
    """The declared knobs as settings in force: `knob.width`."""
    return tuple(
        Setting(knob=f"{DECLARED}{k.name}", value=k.value, site=k.site, note="gputune.knob")
        for k in knobs
    )


def _of_library(chain: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """The batch size that the script has given to a library (`image_dataset_from_directory`)."""
    for call in reversed(chain):
        value = (call.get("arguments") or {}).get("batch_size")
        if value is not None and call.get("site"):
            note = f"{label(call)} of a library"
            return [Setting(knob="batch_size", value=_value(value), site=site_of(call), note=note)]
    return []


def _of_compile(begin: Mapping[str, Any]) -> list[Setting]:
    rate = begin.get("learning_rate")
    optimizer = str(begin.get("optimizer") or "")
    of_optimizer = [Setting(knob="learning_rate", value=rate, note=optimizer)]
    return [
        Setting(knob="steps_per_execution", value=begin.get("steps_per_execution"), note="compile"),
        Setting(knob="jit_compile", value=begin.get("jit_compile"), note="as compile resolved it"),
        Setting(knob="run_eagerly", value=begin.get("run_eagerly"), note="compile"),
        *(of_optimizer if rate is not None else ()),
    ]


def _value(value: Any) -> Value:
    if value == -1 and not isinstance(value, bool):
        return AUTOTUNE
    return value if isinstance(value, (bool, int, float, str)) else None
