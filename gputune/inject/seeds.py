"""Other seeds than the script's own, for a trial that asks how much the loss depends on them.

What the script seeds Python, NumPy and TensorFlow with is moved by an offset;
`keras.utils.set_random_seed` calls these three. A generator that the script makes of a seed of its
own (`numpy.random.default_rng(0)`, `shuffle(seed=0)`) stays as it is.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

_MODULUS = 2**32
"""NumPy's seeds are below it."""


def move(module: Any, name: str, offset: int) -> None:
    """Make `module.name(seed)` add the offset to a seed that is a whole number."""
    original: Callable[..., Any] = getattr(module, name)

    def seed(*args: Any, **kwargs: Any) -> Any:
        moved = tuple(_moved(value, offset) for value in args)
        return original(*moved, **{key: _moved(value, offset) for key, value in kwargs.items()})

    setattr(module, name, seed)


def move_python(offset: int) -> None:
    """Of Python's own generator: at once, it is there already."""
    move(random, "seed", offset)


def move_numpy(numpy: ModuleType, offset: int) -> None:
    """Of NumPy's global generator."""
    move(numpy.random, "seed", offset)


def move_tensorflow(tf: ModuleType, offset: int) -> None:
    """Of TensorFlow's global seed."""
    move(tf.random, "set_seed", offset)


def _moved(value: Any, offset: int) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value + offset) % _MODULUS
    return value
