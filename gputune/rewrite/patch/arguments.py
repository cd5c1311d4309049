"""Settings that are arguments of calls."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.knobs.knob import SetArgument
from gputune.rewrite.call import METHODS
from gputune.rewrite.expressions import AUTOTUNE, expression
from gputune.rewrite.patch.batches import batching
from gputune.rewrite.patch.compiles import keras_compiles
from gputune.rewrite.patch.optimizers import optimizer
from gputune.rewrite.patch.overrides import check_optimizer, takers
from gputune.rewrite.patch.places import call_at
from gputune.rewrite.patch.plan import Plan, Refused
from gputune.rewrite.patch.source import (
    Source,
    argument,
    method_of,
)
from gputune.rewrite.patch.values import has_value, set_argument
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

        def done(source: Source, call: cst.Call) -> bool:
            return has_value(made, source, call, setting.knob, value)

        return [call_at(made, setting, methods, done)]
    if methods == ["compile"]:
        return takers(made.sources, keras_compiles(made.sources), setting.knob)
    if setting.knob == "batch_size":
        return batching(made, methods, value)
    if setting.knob == "interleave":
        found = [
            (s, c) for s in made.sources.own() for c in s.calls if method_of(c) == "interleave"
        ]
        if found:
            return found
    raise Refused("which call is meant is not recorded: take the configuration of a profile")


def _compiles(made: Plan) -> Iterator[tuple[Source, cst.Call]]:
    """Those that take the optimizer of the models that are trained."""
    found = keras_compiles(made.sources)
    check_optimizer(made.sources, found)
    yield from found
