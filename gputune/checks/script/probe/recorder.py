"""Listens to one eager training step: which layer was given what, and which gradients came."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from gputune.checks.script.probe import arrays
from gputune.checks.script.probe.facts import Activation, FirstInput, Gradient

_MOST_CALLS = 5000
"""A recurrent layer calls its cell for each time step; so many calls say enough."""
_MOST_COMPARED = 50_000_000


class Recorder:
    """What `Layer.__call__` and `Optimizer.apply` tell, while `listening`."""

    def __init__(self, keras: Any, model: Any, x: Any) -> None:
        self._keras = keras
        self._model = model
        self._calls = 0
        self._kept: list[Any] = []
        """Holds the tensors, so that no other one gets the `id` of one that is known."""
        self._raw = {id(leaf): leaf for leaf in _tensors(x)}
        """Made of the batch by layers without a kernel."""
        self._after_first: dict[int, int] = {}
        """Made of a first layer's output by layers without weights: which one's."""
        self._given_to: set[int] = set()
        self._normalised: set[int] = set()
        self._first: list[tuple[str, str, Any]] = []
        self.activations: list[Activation] = []
        self.gradients: list[Gradient] = []
        self.prediction: Any = None
        """What the model's own call gave, None where the step does not call it."""
        self.last_layer: Any = None
        """The layer that made the prediction, where it is one tensor and a layer made it."""
        self._makers: dict[int, Any] = {}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Within it the layers' calls are recorded, and optimizers change nothing."""
        optimizers = self._keras.optimizers
        with contextlib.ExitStack() as stack:
            stack.enter_context(
                _replaced(self._keras.layers.Layer, "__call__", lambda call: self._layer(call))
            )
            for kind in {_owner(optimizers.Optimizer, "apply"), optimizers.LossScaleOptimizer}:
                if "apply" in vars(kind):
                    stack.enter_context(_replaced(kind, "apply", lambda _: self._apply))
            yield

    @property
    def first_inputs(self) -> tuple[FirstInput, ...]:
        """The records of the first layers with a kernel."""
        return tuple(
            FirstInput(
                layer=layer,
                kind=kind,
                values=arrays.values_of("x", array),
                column_rms=arrays.column_rms(array),
                normalised_after=number in self._normalised,
            )
            for number, (layer, kind, array) in enumerate(self._first)
        )

    def _layer(self, original: Callable[..., Any]) -> Callable[..., Any]:
        recorder, listens = self, threading.get_ident()

        def hooked(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != listens:  # a worker that makes batches
                return original(layer, *args, **kwargs)
            given = list(_tensors((args, tuple(kwargs.values()))))
            if layer is recorder._model:
                recorder._raw.update({id(leaf): leaf for leaf in given})
            result = original(layer, *args, **kwargs)
            recorder._called(layer, given, result)
            return result

        return hooked

    def _called(self, layer: Any, given: list[Any], result: Any) -> None:
        self._calls += 1
        made = list(_tensors(result))
        if layer is self._model:
            self.prediction = result
            if len(made) == 1:
                self.last_layer = self._makers.get(id(made[0]))
            return
        if self._calls > _MOST_CALLS:
            return
        inside = _sublayers(layer)
        self._kept += [*given, *made]
        passed_on = {id(tensor) for tensor in given}
        for tensor in made:
            if id(tensor) not in (self._makers if inside else passed_on):
                self._makers[id(tensor)] = layer
        self._record(layer, given, made)
        if inside and not _is_one(layer):
            return
        self._follow(layer, given, made)

    def _record(self, layer: Any, given: list[Any], made: list[Any]) -> None:
        outputs = [array for array in map(arrays.as_array, made) if array is not None]
        inputs = [array for array in map(arrays.as_array, given) if array is not None]
        if not outputs or len(inputs) < len(given):
            return
        relu = len(outputs) == 1 and is_relu(self._keras, layer)
        self.activations.append(
            Activation(
                layer=layer.name,
                kind=type(layer).__name__,
                finite=all(arrays.all_finite(array) for array in outputs),
                inputs_finite=all(arrays.all_finite(array) for array in inputs),
                relu=relu,
                units=int(outputs[0].shape[-1]) if relu and outputs[0].ndim > 1 else 0,
                dead=arrays.dead_units(outputs[0]) if relu else (),
                samples=int(outputs[0].shape[0]) if outputs[0].ndim else 0,
            )
        )

    def _follow(self, layer: Any, given: list[Any], made: list[Any]) -> None:
        """Where the batch goes until the first kernel, and from there to a normalisation."""
        kernel = any(len(weight.shape) >= 2 for weight in layer.weights)
        raw = [tensor for tensor in given if self._is_raw(tensor)]
        if raw and len(raw) == len(given):
            if kernel and not _is_table(layer):
                self._add_first(layer, raw[0], made)
            elif not layer.weights or type(layer).__name__ == "Normalization":
                self._raw.update({id(tensor): tensor for tensor in made})
            return
        for tensor in given:
            number = self._after_first.get(id(tensor), -1)
            if number < 0:
                continue
            if "Normalization" in type(layer).__name__:
                self._normalised.add(number)
            elif not layer.weights:
                self._after_first.update({id(made_one): number for made_one in made})

    def _add_first(self, layer: Any, tensor: Any, made: list[Any]) -> None:
        """One record for each tensor, of the first layer that is given it."""
        array = arrays.as_array(tensor)
        if array is None or id(tensor) in self._given_to:
            return
        self._given_to.add(id(tensor))
        number = len(self._first)
        self._first.append((layer.name, type(layer).__name__, array))
        self._after_first.update({id(one): number for one in made})

    def _is_raw(self, tensor: Any) -> bool:
        """Whether it is of the batch: that very tensor, or the same numbers (Keras casts)."""
        if id(tensor) in self._raw:
            return True
        array = arrays.as_array(tensor)
        if array is None or array.size > _MOST_COMPARED:
            return False
        for other in list(self._raw.values()):
            if tuple(other.shape) != tuple(tensor.shape):
                continue
            same = arrays.as_array(other)
            if same is not None and bool((same.astype(array.dtype) == array).all()):
                self._raw[id(tensor)] = tensor
                return True
        return False

    def _apply(self, optimizer: Any, gradients: Any, variables: Any = None) -> None:
        variables = list(self._model.trainable_variables if variables is None else variables)
        gradients = list(gradients)
        if len(gradients) != len(variables):
            return
        scale = _scale(optimizer)
        for gradient, variable in zip(gradients, variables, strict=True):
            self.gradients.append(
                _gradient(gradient, variable, layer_of(variable, self._model), scale)
            )


def is_relu(keras: Any, layer: Any) -> bool:
    """Whether the layer's output is zero wherever its input is negative, by what Keras says."""
    if isinstance(layer, keras.layers.ReLU):
        return not getattr(layer, "negative_slope", 0) and not getattr(layer, "threshold", 0)
    return getattr(layer, "activation", None) is keras.activations.relu


def layer_of(variable: Any, model: Any) -> str:
    """The layer that the weight belongs to, by the names that lead to it inside of the model."""
    path = str(getattr(variable, "path", None) or variable.name)
    above = path.rpartition("/")[0] or path
    return above.removeprefix(f"{model.name}/")


def _gradient(gradient: Any, variable: Any, layer: str, scale: float) -> Gradient:
    import numpy as np

    value = arrays.as_array(variable)
    known = Gradient(
        layer=layer,
        weight=str(variable.name).rpartition("/")[2],
        rank=len(variable.shape),
        weight_norm=0.0 if value is None else _norm(value),
    )
    # Of an Embedding it is an IndexedSlices, whose numbers are its values.
    array = arrays.as_array(getattr(gradient, "values", gradient)) if gradient is not None else None
    if array is None:
        return replace(known, missing=True)
    numbers = array.astype("float64").ravel() / scale
    finite = bool(np.isfinite(numbers).all())
    return replace(known, finite=finite, norm=_norm(numbers) if finite else None)


def _norm(array: Any) -> float:
    import numpy as np

    return float(np.linalg.norm(array.astype("float64").ravel()))


def _scale(optimizer: Any) -> float:
    scale = getattr(optimizer, "dynamic_scale", None)
    array = arrays.as_array(scale) if scale is not None else None
    return float(array) if array is not None else 1.0


def _sublayers(layer: Any) -> bool:
    """Whether the layer is made of others."""
    flatten = getattr(layer, "_flatten_layers", None)  # as in `inject.layers.flat`
    if flatten is None:
        return bool(getattr(layer, "layers", ()))
    return any(True for _ in flatten(include_self=False))


def _is_one(layer: Any) -> bool:
    """What has layers inside and is spoken of as one: its cells are never given the batch."""
    return type(layer).__name__ in ("LSTM", "GRU", "SimpleRNN", "RNN", "MultiHeadAttention")


def _is_table(layer: Any) -> bool:
    """Whether the layer looks its input up, so that the input's scale means nothing."""
    return type(layer).__name__ in ("Embedding", "Normalization", "StringLookup", "IntegerLookup")


def _tensors(nested: Any) -> Iterator[Any]:
    if isinstance(nested, dict):
        nested = tuple(nested.values())
    if isinstance(nested, (tuple, list)):
        for part in nested:
            yield from _tensors(part)
    elif hasattr(nested, "shape") and hasattr(nested, "dtype"):
        yield nested


def _owner(kind: type, name: str) -> type:
    """The class that defines the method."""
    return next(one for one in kind.__mro__ if name in vars(one))


@contextlib.contextmanager
def _replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Iterator[None]:
    raw = vars(owner)[name]
    setattr(owner, name, _method(make(raw)))
    try:
        yield
    finally:
        setattr(owner, name, raw)


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function, which Python binds to the instance."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method
