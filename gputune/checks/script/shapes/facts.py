"""The plain facts of an error about shapes: what wanted what, and what it was given.

They are read from the frames of the traceback: the layer that raised, its `input_spec`, what it
was called with, and the model around it. Only what no frame holds (an error of the running graph)
is read from the text. Tried on Keras 3.15 with TensorFlow 2.21; what another version does not have
is left empty, and the diagnosis says less.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gputune.checks.script.raised import Raised, RaisedFrame
from gputune.checks.script.reading import (
    Shape,
    class_name,
    dtypes_of,
    is_kind,
    shapes_of,
)
from gputune.checks.script.shapes.parts import (
    ModelFacts,
    Part,
    Wants,
    declared_of,
    input_names,
    layers_of,
    name_of,
    part_of,
    wants_of,
)

Stage = Literal["layer", "input", "loss", "metric", "data", "graph"]
_KINDS = ("ValueError", "InvalidArgumentError", "TypeError")
_ABOUT_SHAPES = re.compile(
    r"shape|dimension|ndim|\brank|axis|axes|\bsize|channel|cardinality|is not in \[|label value"
    r"|input\(s\)|input tensors|number of inputs",
    re.IGNORECASE,
)
_LONGEST = 20_000
"""An error of the running graph says what is wrong at the end, after two tracebacks."""
_NODE = re.compile(r"Detected at node (\S+) defined at|\{\{node (\S+?)\}\}")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One error about shapes."""

    error: str
    text: str
    stage: Stage
    part: Part
    """The layer (or loss, or metric) that raised; of stage `data` the method: `fit`."""
    raised_in: str = ""
    wants: tuple[Wants, ...] = ()
    given: tuple[Shape, ...] = ()
    """The shapes of the inputs of `part`."""
    dtypes: tuple[str, ...] = ()
    by: Part | None = None
    """The layer that gives the input; None where the data do, or nobody knows."""
    model: ModelFacts | None = None
    y_true: Shape | None = None
    y_pred: Shape | None = None
    in_fit: bool = False
    layer: Any = None
    """The object itself, for its line; never for judging."""


def facts_of(raised: Raised) -> Facts | None:
    """The facts of an error about shapes that Keras or TensorFlow raised; None for any other."""
    error = next((link for link in reversed(raised.chain) if class_name(link) in _KINDS), None)
    if error is None or not raised.frames:
        return None
    text = str(error)
    if not _ABOUT_SHAPES.search(text) or not any(map(_from_the_libraries, raised.chain)):
        return None
    frames = raised.frames
    common = {
        "error": class_name(error), "text": text[:_LONGEST], "model": _model(frames),
        "in_fit": any(f.function == "fit" and is_kind(f.instance, "Model") for f in frames),
    }  # fmt: skip
    for frame in frames:
        found = _at(frame, frames, common)
        if found is not None:
            return found
    return None


def _at(frame: RaisedFrame, frames: Sequence[RaisedFrame], common: dict[str, Any]) -> Facts | None:
    """The facts, where this frame is the innermost that tells what kind of error it is."""
    instance = frame.instance
    if frame.function == "check_data_cardinality":
        return _of_data(frame, common)
    if is_kind(instance, "Loss"):
        return _of_loss(frame, common)
    if is_kind(instance, "Metric"):
        return _of_metric(frame, common)
    if frame.function == "quick_execute" or "Graph execution error" in common["text"]:
        return _of_graph(frames, common)
    if is_kind(instance, "Layer"):
        return _of_layer(instance, frames, common)
    return None


def _of_layer(layer: Any, frames: Sequence[RaisedFrame], common: dict[str, Any]) -> Facts:
    call = next(
        (f for f in frames if f.instance is layer and f.function == "__call__"
         and "args" in f.variables), None,
    )  # fmt: skip
    inputs = _inputs(call.variables) if call is not None else None
    if inputs is None:
        inputs = next(
            (f.variables[name] for f in frames if f.instance is layer
             for name in ("inputs", "input_shape") if name in f.variables), None,
        )  # fmt: skip
    given = shapes_of(inputs)
    model = common["model"]
    stage: Stage = "input" if is_kind(layer, "Model") else "layer"
    return Facts(
        stage=stage, part=part_of(layer), raised_in=frames[0].function, wants=wants_of(layer),
        given=given, dtypes=dtypes_of(inputs), by=_giver(layer, inputs, model, frames),
        layer=layer, **common,
    )  # fmt: skip


def _of_loss(frame: RaisedFrame, common: dict[str, Any]) -> Facts:
    variables = frame.variables
    return Facts(
        stage="loss", part=Part(name_of(frame.instance), _loss_kind(frame.instance)),
        raised_in=frame.function, y_true=_one(variables.get("y_true")),
        y_pred=_one(variables.get("y_pred")), **common,
    )  # fmt: skip


def _of_metric(frame: RaisedFrame, common: dict[str, Any]) -> Facts:
    variables = frame.variables
    return Facts(
        stage="metric", part=Part(name_of(frame.instance), class_name(frame.instance)),
        raised_in=frame.function, y_true=_one(variables.get("y_true")),
        y_pred=_one(variables.get("y_pred")), **common,
    )  # fmt: skip


def _of_data(frame: RaisedFrame, common: dict[str, Any]) -> Facts:
    return Facts(
        stage="data", part=Part("fit", "fit"), raised_in=frame.function,
        given=shapes_of(frame.variables.get("data")), **common,
    )  # fmt: skip


def _of_graph(frames: Sequence[RaisedFrame], common: dict[str, Any]) -> Facts | None:
    """An error of the running graph: its node's name holds the layer's."""
    model = next((f.instance for f in frames if is_kind(f.instance, "Model")), None)
    if model is None:
        return None
    node = next((a or b for a, b in _NODE.findall(common["text"])), "")
    layer = _of_node(node, layers_of(model))
    part = part_of(layer) if layer is not None else Part("", "")
    return Facts(stage="graph", part=part, raised_in=node, layer=layer, **common)


def _of_node(node: str, layers: Sequence[Any]) -> Any:
    """The layer in whose scope a node is: Keras numbers a scope that is there already."""
    by_name = {name_of(layer): layer for layer in layers}
    for scope in reversed(node.split("/")):
        for name in (scope, re.sub(r"_\d+$", "", scope)):
            if name in by_name:
                return by_name[name]
    return None


def _model(frames: Sequence[RaisedFrame]) -> ModelFacts | None:
    """The outermost model that is given what it was not built for, else the outermost."""
    models: list[Any] = []
    for frame in reversed(frames):
        if is_kind(frame.instance, "Model") and frame.instance not in models:
            models.append(frame.instance)
    found = [_of_model(model, frames) for model in models]
    wrong = (one for one in found if one.declared and one.given and not one.is_given_its_inputs)
    return next(wrong, found[0] if found else None)


def _of_model(model: Any, frames: Sequence[RaisedFrame]) -> ModelFacts:
    call = next(
        (f for f in frames if f.instance is model and f.function == "__call__"
         and "args" in f.variables), None,
    )  # fmt: skip
    layers = layers_of(model)
    return ModelFacts(
        part=part_of(model),
        declared=declared_of(model),
        given=shapes_of(_inputs(call.variables)) if call is not None else (),
        input_names=input_names(model),
        last=part_of(layers[-1]) if layers else None,
    )


def _giver(
    layer: Any, inputs: Any, model: ModelFacts | None, frames: Sequence[RaisedFrame]
) -> Part | None:
    """The layer whose output is given: from the symbolic tensor, or from the order of layers."""
    for one in inputs if isinstance(inputs, (list, tuple)) else (inputs,):
        history = getattr(one, "_keras_history", None)  # private to Keras; absent, nobody knows
        operation = getattr(history, "operation", None)
        if operation is not None and class_name(operation) != "InputLayer":
            return part_of(operation)
    for frame in frames:
        order = getattr(frame.instance, "layers", None) if frame.instance is not layer else None
        if is_kind(frame.instance, "Sequential") and isinstance(order, list) and layer in order:
            place = order.index(layer)
            return part_of(order[place - 1]) if place else None
    return None


def _inputs(variables: Mapping[str, Any]) -> Any:
    args = variables.get("args") or ()
    if args:
        return args[0]
    return next(iter((variables.get("kwargs") or {}).values()), None)


def _one(value: Any) -> Shape | None:
    shapes = shapes_of(value)
    return shapes[0] if len(shapes) == 1 else None


def _loss_kind(loss: Any) -> str:
    """The loss' own name in snake case: its function's, or its class'."""
    function = getattr(getattr(loss, "fn", None), "__name__", None)
    return str(function or class_name(loss))


def _from_the_libraries(error: BaseException) -> bool:
    """Whether Keras or TensorFlow raised it; TensorFlow takes its own frames off its errors."""
    if type(error).__module__.split(".")[0] == "tensorflow":
        return True
    last = traceback.extract_tb(error.__traceback__)[-1:]
    path = last[0].filename.replace("\\", "/") if last else ""
    return "/keras/" in path or "/tensorflow/" in path
