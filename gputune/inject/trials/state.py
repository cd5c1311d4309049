"""What training changes, as it was before the first trial: each trial begins with it."""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any


class State:
    """Weights, optimizer, metrics, seed generators and the global random states.

    `built` is why the model cannot be served yet, or empty. TensorFlow's own global seed counts
    its operations in no public place: what was drawn from it (dataset shuffles without a seed)
    differs from trial to trial, as it does from epoch to epoch.
    """

    def __init__(self, keras: ModuleType, tf: ModuleType, model: Any) -> None:
        self._keras = keras
        self._tf = tf
        self._model = model
        self._settings = {
            name: getattr(model, name) for name in ("steps_per_execution", "jit_compile")
        }
        self._functions: dict[tuple[Any, ...], Any] = {}
        self._input = ""
        self._values = [(v, keras.ops.convert_to_numpy(v)) for v in _variables(model)]
        self._python = random.getstate()
        self._numpy = _numpy().get_state()
        self._generator = tf.random.get_global_generator().state.numpy()

    def put_back(self, changed: dict[str, Any]) -> None:
        """As it was, with `changed` attributes of the model (`steps_per_execution`, …)."""
        model = self._model
        for name, value in {**self._settings, **changed}.items():
            if getattr(model, name) != value:
                setattr(model, name, value)
        for variable, value in self._values:
            variable.assign(value)
        random.setstate(self._python)
        _numpy().set_state(self._numpy)
        self._tf.random.get_global_generator().reset(self._generator)

    def take_function(self, of_input: str) -> None:
        """Take the train function that was made for such an input and the model's attributes.

        So nothing is traced or compiled twice; and for another batch size it is made anew, as in a
        new process: TensorFlow would go over to a function of unknown shapes.
        """
        self._input = of_input
        self._model.train_function = self._functions.get(self._key())

    def keep_function(self) -> None:
        """Remember the train function that the trial had."""
        made = self._model.train_function
        made = getattr(made, "gputune_original", made)
        if made is not None:
            self._functions[self._key()] = made

    def _key(self) -> tuple[Any, ...]:
        return (self._input, self._model.steps_per_execution, self._model.jit_compile)

    @property
    def digest(self) -> list[Any]:
        """The values now, for whoever wants to compare."""
        return [self._keras.ops.convert_to_numpy(v) for v, _ in self._values]


def build(keras: ModuleType, tf: ModuleType, model: Any, inputs: Any) -> str:
    """Make the model's and the optimizer's variables, if need be; why that cannot be, or nothing.

    `inputs` are the specs (shape, dtype) of what the model is given, None where they are not
    known. Keras does the same with the first batch: without it, there would be nothing to put back.
    """
    if not _is_built(model):
        if inputs is None:
            return "the model is only built by its first batch"
        try:
            model(tf.nest.map_structure(lambda s: keras.KerasTensor(s.shape, s.dtype.name), inputs))
        except Exception as error:
            return f"the model is only built by its first batch ({type(error).__name__})"
        if not _is_built(model):
            return "parts of the model are only built by its first batch"
    optimizer = model.optimizer
    if optimizer is None:
        return "the model has no optimizer"
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    return ""


def _is_built(layer: Any) -> bool:
    """Whether the layer has its variables, and those inside it."""
    return bool(layer.built) and all(_is_built(one) for one in getattr(layer, "layers", ()))


def _variables(model: Any) -> list[Any]:
    """Each variable once."""
    optimizer = model.optimizer
    inner = getattr(optimizer, "inner_optimizer", None)
    groups = [model.variables, optimizer.variables, inner.variables if inner is not None else ()]
    groups += [metric.variables for metric in model.metrics]
    return list({id(v): v for group in groups for v in group}.values())


def _numpy() -> Any:
    import numpy as np

    return np.random
