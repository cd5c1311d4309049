"""A model's variables as they are, put back after a check has run the model."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

MOST_BYTES = 300 * 2**20
"""Weights above that are not copied: the check is then not run."""


_SIZES = {"float64": 8, "int64": 8, "uint64": 8, "float16": 2, "bfloat16": 2, "int16": 2}


def variable_bytes(variable: Any) -> int:
    """What a variable takes."""
    count = math.prod(int(size) for size in variable.shape)
    return count * _SIZES.get(str(variable.dtype), 4)


def weights_bytes(model: Any) -> int:
    """What the model's weights take."""
    return sum(variable_bytes(variable) for variable in model.variables)


@contextlib.contextmanager
def same_seeds() -> Iterator[None]:
    """Python's and NumPy's random numbers go on as if nothing had been drawn.

    A layer that is made anew draws its seed from Python's.
    """
    import numpy as np

    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


class Kept:
    """With this around it, what is done to a model's variables, and to `loose` ones, is undone."""

    def __init__(self, model: Any, loose: Sequence[Any] = ()) -> None:
        self._model = model
        self._loose = tuple(loose)
        self._values: list[tuple[Any, Any]] = []

    def __enter__(self) -> Kept:
        every = (*self._model.variables, *self._loose)
        self._values = [(variable, variable.numpy()) for variable in every]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.put_back()

    def put_back(self) -> None:
        """As it was; also in between."""
        for variable, value in self._values:
            variable.assign(value)

    def empty(self, *, loose: bool) -> None:
        """Set every weight of floating point to zero, so that what is loaded is what one sees.

        `loose` says whether those besides the model's own are emptied too.
        """
        own = len(self._values) - (0 if loose else len(self._loose))
        for variable, value in self._values[:own]:
            if value.dtype.kind == "f" or str(variable.dtype) == "bfloat16":
                variable.assign(value * 0)
