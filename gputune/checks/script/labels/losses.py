"""Which of Keras' losses a script has compiled its model with, for each output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SPARSE = "sparse_categorical_crossentropy"
CATEGORICAL = ("categorical_crossentropy", "categorical_focal_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
REGRESSION = (
    "mean_squared_error", "mean_absolute_error", "huber", "log_cosh",
    "mean_squared_logarithmic_error", "mean_absolute_percentage_error",
)  # fmt: skip
KNOWN = (SPARSE, *CATEGORICAL, *BINARY, *REGRESSION)


@dataclass(frozen=True)
class Loss:
    """A loss by its name in snake case, empty for one that is none of KNOWN; and the function."""

    name: str
    from_logits: bool | None = None
    ignored: float | None = None
    function: Any = None


def loss_of(keras: Any, given: Any) -> Loss:
    """What `compile(loss=...)` was given for one output: a name, a function or an object."""
    if isinstance(given, str):
        try:
            given = keras.losses.get(given)
        except ValueError:
            return Loss("")
    if isinstance(given, keras.losses.Loss):
        name = _snake(type(given).__name__)
        if getattr(keras.losses, type(given).__name__, None) is not type(given):
            return Loss("")
        settings = given.get_config()
    else:
        name, settings = str(getattr(given, "__name__", "")), {}
        if getattr(keras.losses, name, None) is not given:
            return Loss("")
    if name not in KNOWN:
        return Loss("")
    from_logits = None if name in REGRESSION else bool(settings.get("from_logits", False))
    return Loss(name, from_logits, settings.get("ignore_class"), given)


def paired(loss: Any, predictions: Any, labels: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """(name, loss, prediction, labels) for each output whose three parts belong together."""
    if isinstance(predictions, dict) and isinstance(labels, dict):
        for key in predictions:
            one = loss.get(key) if isinstance(loss, dict) else loss
            if key in labels and one is not None:
                yield key, one, predictions[key], labels[key]
    elif isinstance(predictions, (list, tuple)) and isinstance(labels, (list, tuple)):
        losses = loss if isinstance(loss, (list, tuple)) else [loss] * len(predictions)
        if not isinstance(loss, dict) and len(losses) == len(predictions) == len(labels):
            for index, one in enumerate(losses):
                if one is not None:
                    yield str(index), one, predictions[index], labels[index]
    elif hasattr(predictions, "shape") and hasattr(labels, "shape"):
        if isinstance(loss, (list, tuple)) and len(loss) == 1:
            loss = loss[0]
        if loss is not None and not isinstance(loss, (dict, list, tuple)):
            yield "", loss, predictions, labels


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
