"""The weights that the training began with, kept so that it can be looked at once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gputune.checks.script.training import Training

MOST_BYTES = 2 << 30
"""A model whose weights take more is looked at with its last weights only."""
_KEY = "probe.beginning"


@dataclass(frozen=True)
class Beginning:
    """Copies of `model.variables` in their order; `reason` says why there are none."""

    arrays: tuple[Any, ...] = ()
    reason: str = ""

    def fits(self, variables: list[Any]) -> bool:
        """Whether these are values for those variables."""
        return len(self.arrays) == len(variables) > 0 and all(
            tuple(array.shape) == tuple(variable.shape)
            for array, variable in zip(self.arrays, variables, strict=True)
        )


def keep(training: Training) -> None:
    """To be called in `training_begins`; several checks may."""
    if _KEY not in training.shared:
        training.shared[_KEY] = _copied(training.model)


def beginning(training: Training) -> Beginning:
    """What was kept."""
    found = training.shared.get(_KEY)
    return found if isinstance(found, Beginning) else Beginning(reason="nothing was kept")


def _copied(model: Any) -> Beginning:
    if model is None:
        return Beginning(reason="a loop written by hand has no model that gputune sees")
    variables = list(model.variables)
    if not model.weights:
        return Beginning(reason="the model was not built before its first step")
    try:
        return _within_bounds(variables)
    except Exception as error:  # the variables of a strategy's replicas
        return Beginning(reason=f"they cannot be read: {type(error).__name__}")


def _within_bounds(variables: list[Any]) -> Beginning:
    size = sum(_bytes(variable) for variable in variables)
    if size > MOST_BYTES:
        return Beginning(reason=f"its weights take more than {MOST_BYTES >> 30} GiB")
    return Beginning(arrays=tuple(copies(variables)))


def copies(variables: list[Any]) -> list[Any]:
    """The values of Keras variables as arrays of their own."""
    import numpy as np

    return [np.array(variable.numpy()) for variable in variables]


def put(variables: list[Any], arrays: list[Any] | tuple[Any, ...]) -> None:
    """Give variables their values back."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _bytes(variable: Any) -> int:
    size = 4
    for length in variable.shape:
        size *= int(length)
    return size
