"""The validation of a trial: one batch of it, since a trial measures training alone.

Callbacks still find their `val_` figures; what these say is of that batch.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from gputune.inject.datasets import unrecorded
from gputune.inject.edits.passing import Call, argument, with_argument

ARRAY_SAMPLES = 32
"""What Keras takes as a batch of arrays where nobody says another size."""


def shortened(
    tf: ModuleType, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Call:
    """The arguments of a `fit` with the first batch of its validation data, kept in memory.

    What is neither a dataset nor arrays stays as it is, as does a `validation_split`.
    """
    data = argument(signature, args, kwargs, "validation_data")
    if isinstance(data, tf.data.Dataset):
        with unrecorded():
            first = data.take(1).cache()
    elif isinstance(data, tuple) and _are_arrays(tf, data):
        first = tf.nest.map_structure(lambda array: array[:ARRAY_SAMPLES], data)
    else:
        return args, kwargs
    args, kwargs = with_argument(signature, args, kwargs, "validation_data", first)
    return with_argument(signature, args, kwargs, "validation_steps", None)


def _are_arrays(tf: ModuleType, data: tuple[Any, ...]) -> bool:
    """Whether every part has samples to slice."""
    parts = tf.nest.flatten(data)
    return bool(parts) and all(
        getattr(part, "shape", ()) and hasattr(part, "dtype") for part in parts
    )
