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
        self._own = (model.steps_per_execution, model.jit_compile)
        self._functions: dict[tuple[Any, Any], Any] = {}
        self._values = [(v, keras.ops.convert_to_numpy(v)) for v in _variables(model)]
        self._python = random.getstate()
        self._numpy = _numpy().get_state()
        self._generator = tf.random.get_global_generator().state.numpy()

    def put_back(self, changed: dict[str, Any]) -> None:
        """As it was, with `changed` attributes of the model (`steps_per_execution`, …).

        A train function that was made for the same attributes is taken again: nothing is traced
        or compiled twice.
        """
        model = self._model
        self.keep_function()
        for name, value in {**self._settings, **changed}.items():
            if getattr(model, name) != value:
                setattr(model, name, value)
        model.train_function = self._functions.get(self._key())
        for variable, value in self._values:
            variable.assign(value)
        random.setstate(self._python)
        _numpy().set_state(self._numpy)
        self._tf.random.get_global_generator().reset(self._generator)

    def keep_function(self) -> None:
        """Remember the train function of the attributes that the model has now."""
        made = self._model.train_function
        made = getattr(made, "gputune_original", made)
        if made is not None:
            self._functions[self._key()] = made

    def _key(self) -> tuple[Any, Any]:
        return (self._model.steps_per_execution, self._model.jit_compile)

    @property
    def digest(self) -> list[Any]:
        """The values now, for whoever wants to compare."""
        return [self._keras.ops.convert_to_numpy(v) for v, _ in self._values]


def build(model: Any, batch_shape: Any) -> str:
    """Make the model's and the optimizer's variables, if need be; why that cannot be, or nothing.

    `batch_shape` is that of what the model is given, None where it is no single tensor.
    """
    if not model.built:
        if batch_shape is None:
            return "the model is only built by its first batch"
        try:
            model.build(batch_shape)
        except Exception as error:
            return f"the model is only built by its first batch ({type(error).__name__})"
    optimizer = model.optimizer
    if optimizer is None:
        return "the model has no optimizer"
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    return ""


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
