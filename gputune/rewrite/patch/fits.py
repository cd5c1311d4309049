"""The calls of Keras' `fit`, and the pipelines that they are given."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from gputune.rewrite.patch.source import (
    Source,
    argument,
    chain,
    hides_arguments,
    method_of,
    receiver,
)
from gputune.rewrite.patch.sources import Sources

_OF_KERAS = (
    "epochs", "callbacks", "validation_data", "validation_split", "steps_per_epoch", "batch_size",
    "verbose", "initial_epoch", "class_weight",
)  # fmt: skip


@dataclass(frozen=True)
class Fed:
    """An expression that ends a pipeline; `present` is the call that is looked for, at its end."""

    source: Source
    node: cst.BaseExpression
    present: cst.Call | None


def keras_fits(sources: Sources) -> list[tuple[Source, cst.Call]]:
    """The calls of `fit` on what is compiled, or with arguments of Keras'; else the only one."""
    every = [
        (source, call) for source in sources.own() for call in source.calls
        if method_of(call) == "fit" and isinstance(call.func, cst.Attribute)
    ]  # fmt: skip
    compiled = {
        source.text(on) for source in sources.own() for call in source.calls
        if method_of(call) == "compile" and (on := receiver(call)) is not None
    }  # fmt: skip
    sure = []
    for source, call in every:
        on = receiver(call)
        named = {arg.keyword.value for arg in call.args if arg.keyword is not None}
        if named & set(_OF_KERAS) or (on is not None and source.text(on) in compiled):
            sure.append((source, call))
    return sure or (every if len(every) == 1 else [])


def fed(sources: Sources, method: str = "prefetch") -> list[Fed] | str:
    """What the fits are given as `x`, or the reason why that cannot be told."""
    fits = keras_fits(sources)
    if not fits:
        return "no model.fit(…) stands in the script or in what it imports"
    found = []
    for source, call in fits:
        given = argument(call, "x", 0)
        if given is None or hides_arguments(call):
            return f"what {source.label(call)} is given cannot be told: * or ** hide it"
        found.append((source, call, given.value))
    if len({source.text(node) for source, _, node in found}) > 1:
        lines = ", ".join(source.label(call) for source, call, _ in found)
        return (
            f"several trainings have different pipelines ({lines}): which is meant is not recorded"
        )
    return [Fed(source, *_end(source, call, node, method)) for source, call, node in found]


def _end(
    source: Source, fit: cst.Call, node: cst.BaseExpression, method: str
) -> tuple[cst.BaseExpression, cst.Call | None]:
    """The end of the pipeline that `node` is: where a variable was given it, if that is sure."""
    if isinstance(node, cst.Call):
        return node, _last(node, method)
    if isinstance(node, cst.Name):
        function = source.function(fit)
        line = source.positions[fit].start.line
        values = [
            assign.value for assign in source.found(cst.Assign)
            if isinstance(assign, cst.Assign) and source.function(assign) is function
            and source.positions[assign].start.line < line
            and node.value in [source.text(target.target) for target in assign.targets]
        ]  # fmt: skip
        if values and isinstance(values[-1], cst.Call):
            present = _last(values[-1], method)
            if present is not None:
                return node, present
    return node, None


def _last(call: cst.Call, method: str) -> cst.Call | None:
    return next((one for one in chain(call)[:3] if method_of(one) == method), None)
