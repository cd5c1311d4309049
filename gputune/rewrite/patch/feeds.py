"""What the trainings are fed, and what their pipelines end in."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from gputune.rewrite.patch.fits import keras_fits
from gputune.rewrite.patch.names import bound
from gputune.rewrite.patch.source import Source, argument, hides_arguments, method_of
from gputune.rewrite.patch.sources import Sources
from gputune.rewrite.patch.upstream import feeding, is_method, nodes_in

_KEEPS = ("with_options", "ignore_errors", "take", "skip", "repeat", "assert_cardinality")
"""What stands in front of these is at the pipeline's end nevertheless."""
_NO_DATASETS = {
    **dict.fromkeys(("flow", "flow_from_directory", "flow_from_dataframe"), "Keras' own generator"),
    **dict.fromkeys(("as_numpy", "as_numpy_iterator", "to_numpy"), "arrays"),
    **dict.fromkeys(
        ("experimental_distribute_dataset", "distribute_datasets_from_function"),
        "a distributed dataset",
    ),
}
"""What some methods make."""
_OF_PYTHON = ("iter", "next", "list", "tuple", "zip", "enumerate", "map", "range")
_OF_ARRAYS = ("numpy", "pandas", "sklearn")


@dataclass(frozen=True)
class Fed:
    """An expression that ends a pipeline; `present` is the call that is looked for, at its end.

    `hidden` is a call of the method that may be at its end, too, or stands further up.
    """

    source: Source
    node: cst.BaseExpression
    present: cst.Call | None
    hidden: str = ""


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
        why = _no_dataset(sources, source, call, given.value)
        if why:
            return f"{source.label(call)} is given {why}, not a tf.data pipeline"
        found.append((source, call, given.value))
    if len({source.text(node) for source, _, node in found}) > 1:
        lines = ", ".join(source.label(call) for source, call, _ in found)
        return (
            f"several trainings have different pipelines ({lines}): which is meant is not recorded"
        )
    return [_end(sources, source, node, method) for source, _, node in found]


def _end(sources: Sources, source: Source, node: cst.BaseExpression, method: str) -> Fed:
    """The end of a pipeline: where a variable was given it, if that is sure."""
    above = feeding(source, node)
    behind = ""
    for call in reversed([one for one in above.calls if source.function(one) is above.function]):
        if method_of(call) == method:
            if behind:
                where = source.label(call)
                return Fed(source, node, None, f".{method}(…) at {where}, above .{behind}(…),")
            return Fed(source, node, call)
        if method_of(call) not in _KEEPS:
            behind = behind or method_of(call)
    if above.unknown:
        for there in sources.own():
            for call in there.calls:
                if is_method(there, call, (method,)):
                    return Fed(source, node, None, f".{method}(…) at {there.label(call)}")
    return Fed(source, node, None)


def _no_dataset(sources: Sources, source: Source, fit: cst.Call, node: cst.BaseExpression) -> str:
    """What `fit` is given, in words, where that is no dataset for sure."""
    text = f"«{source.text(node)[:60]}»"
    beside = (argument(fit, "y", 1), argument(fit, "batch_size", 2))
    if any(one is not None and source.text(one.value) != "None" for one in beside):
        return f"{text} with what only arrays come with"
    if isinstance(node, cst.IfExp):
        parts = (node.body, node.orelse)
        return next((why for p in parts if (why := _no_dataset(sources, source, fit, p))), "")
    if not isinstance(
        node, cst.Name | cst.Attribute | cst.Call | cst.Subscript | cst.NamedExpr | cst.Await
    ):
        return text
    if isinstance(node, cst.Name) and node.value in ("None", "True", "False"):
        return text
    above = feeding(source, node)
    made = next((one for m in above.calls if (one := _NO_DATASETS.get(method_of(m)))), "")
    if made:
        return f"{text}, which is {made}"
    begins = above.begins
    called = method_of(begins)
    if called in _OF_PYTHON:
        return f"{text}, which Python makes"
    for there in sources.own():
        for function in there.found(cst.FunctionDef):
            assert isinstance(function, cst.FunctionDef)
            if function.name.value == called and any(nodes_in(function.body, cst.Yield)):
                return f"{text}, which is a generator"
            named = isinstance(begins, cst.Name) and function.name.value == begins.value
            if named and not above.calls and not _is_parameter(source, begins):
                return f"{text}, which is a function"
        for owner in there.found(cst.ClassDef):
            assert isinstance(owner, cst.ClassDef)
            bases = " ".join(there.text(base.value) for base in owner.bases)
            if owner.name.value == called and ("PyDataset" in bases or "Sequence" in bases):
                return f"{text}, which is a PyDataset"
    first = source.text(begins).partition(".")[0].partition("(")[0]
    if dict(bound(source)).get(first, "").partition(".")[0] in _OF_ARRAYS:
        return f"{text}, which are arrays"
    return ""


def _is_parameter(source: Source, name: cst.BaseExpression) -> bool:
    function = source.function(name)
    return function is not None and any(
        isinstance(one, cst.Param) and one.name.value == source.text(name)
        for one in nodes_in(function.params, cst.Param)
    )
