"""Settings that are arguments of calls."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.knobs.knob import SetArgument
from gputune.rewrite.call import METHODS
from gputune.rewrite.expressions import AUTOTUNE, expression
from gputune.rewrite.patch.fits import keras_fits
from gputune.rewrite.patch.optimizers import optimizer
from gputune.rewrite.patch.places import call_at
from gputune.rewrite.patch.plan import Plan, Refused
from gputune.rewrite.patch.source import (
    Source,
    argument,
    method_of,
)
from gputune.rewrite.patch.values import set_argument
from gputune.schema.config import Setting


def set_arguments(made: Plan, setting: Setting, edits: list[SetArgument]) -> None:
    """Give the calls that a setting means their argument; raises Refused."""
    value = expression(setting.knob, setting.value)
    if value is None:
        raise Refused(f"{setting.value} is no value of an argument")
    methods = [edit.method for edit in edits]
    for source, call in _calls(made, setting, methods, value):
        knob = setting.knob
        for edit in edits:
            if knob == "learning_rate" or edit.method == method_of(call):
                text = AUTOTUNE if edit.fixed is not None else value
                # Every optimizer of Keras' takes its learning rate first.
                place = 0 if knob == "learning_rate" else METHODS.get(knob, {}).get(edit.method)
                if edit.fixed is not None:
                    place = METHODS.get(edit.argument, {}).get(edit.method)
                    if argument(call, edit.argument, place) is not None:
                        continue  # the script's own choice stays
                set_argument(made, setting, source, call, edit.argument, place, text)
                if knob == "learning_rate":
                    break


def _calls(
    made: Plan, setting: Setting, methods: list[str], value: str
) -> list[tuple[Source, cst.Call]]:
    if setting.knob == "learning_rate":
        return [optimizer(made, list(_compiles(made)))]
    if setting.site is not None:
        return [call_at(made, setting, methods, value)]
    if methods == ["compile"]:
        return list(_compiles(made))
    if setting.knob == "batch_size":
        return _batching(made, methods)
    if setting.knob == "interleave":
        found = [
            (s, c) for s in made.sources.own() for c in s.calls if method_of(c) == "interleave"
        ]
        if found:
            return found
    raise Refused("which call is meant is not recorded: take the configuration of a profile")


def _compiles(made: Plan) -> Iterator[tuple[Source, cst.Call]]:
    found = [
        (source, call) for source in made.sources.own() for call in source.calls
        if method_of(call) == "compile" and source.text(call.func) != "re.compile"
        and isinstance(call.func, cst.Attribute)
    ]  # fmt: skip
    if not found:
        raise Refused("no model.compile(…) stands in the script or in what it imports")
    yield from found


def _batching(made: Plan, methods: list[str]) -> list[tuple[Source, cst.Call]]:
    """The calls that make the batches where none is recorded: of `fit`, or the only `.batch`."""
    fits = keras_fits(made.sources)
    given = [(s, c) for s, c in fits if argument(c, "batch_size", 2) is not None]
    if given:
        return given
    made_by = [
        (s, c) for s in made.sources.own() for c in s.calls
        if method_of(c) in methods and method_of(c) not in ("fit", "evaluate", "predict")
    ]  # fmt: skip
    if len(made_by) == 1:
        return made_by
    if made_by:
        lines = ", ".join(s.label(c) for s, c in made_by[:6])
        raise Refused(f"several calls make batches ({lines}), and which is meant is not recorded")
    if len(fits) == 1:
        return fits
    raise Refused("no call that takes a batch size is found")
