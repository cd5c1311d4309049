"""From passes of the model to the facts that the judgement on labels knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gputune.checks.script.context import Context
from gputune.checks.script.labels.facts import Labels, Output, Outputs
from gputune.checks.script.labels.losses import CATEGORICAL, Loss, loss_of, paired
from gputune.checks.script.probe import arrays
from gputune.checks.script.probe.labels_seen import labels_seen
from gputune.checks.script.probe.passes import Looked
from gputune.checks.script.training import Training

RANGES = {
    "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0), "relu": (0.0, float("inf")), "relu6": (0.0, 6.0),
    "softplus": (0.0, float("inf")), "exponential": (0.0, float("inf")),
}  # fmt: skip
"""What each activation can give, by its definition."""
_SUM_TOLERANCE = 1e-2
"""A softmax in float16 sums to 1 within this."""
_MOST_LABELS = 1_000_000


def outputs(
    context: Context, training: Training, looked: Sequence[Looked]
) -> Iterator[tuple[Output, Loss]]:
    """One record for each output that has a loss, with what the user gave as its loss."""
    kinds = [list(paired(training.model.loss, one.prediction, one.batch.y)) for one in looked]
    if not kinds or not kinds[0]:
        return
    for index, (name, given, _, _) in enumerate(kinds[0]):
        loss = loss_of(context.keras, given)
        if not loss.name:
            continue
        seen = [found[index] for found in kinds if index < len(found)]
        predictions = [arrays.as_array(one[2]) for one in seen]
        labels = _labels(training, name, [arrays.as_array(one[3]) for one in seen])
        if labels is None or any(array is None or array.ndim < 1 for array in predictions):
            continue
        yield _output(context, name, loss, predictions, labels, looked[0], seen[0][2]), loss


def _output(
    context: Context, name: str, loss: Loss, predictions: list[Any], labels: tuple[Any, bool],
    looked: Looked, tensor: Any,
) -> Output:  # fmt: skip
    layer = looked.last_layer
    activation = "" if layer is None else activation_of(layer)
    units = int(predictions[0].shape[-1]) if predictions[0].ndim > 1 else 1
    kind = _kind(predictions)
    array, whole = labels
    return Output(
        name=name,
        loss=loss.name,
        from_logits=loss.from_logits,
        ignored=loss.ignored,
        units=units,
        outputs=kind,
        activation=activation,
        layer="" if layer is None else str(layer.name),
        minimum=min(float(one.min()) for one in predictions),
        maximum=max(float(one.max()) for one in predictions),
        unreachable=_unreachable(array, activation),
        sees_through=_sees_through(context, loss, tensor, looked.batch.y)
        if loss.from_logits and kind != "numbers" and not name
        else None,
        labels=_facts(array, whole, loss, units),
    )


def activation_of(layer: Any) -> str:
    """The name of the layer's activation, empty where it shows none."""
    if type(layer).__name__ in ("Softmax", "ReLU"):
        return type(layer).__name__.lower()
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _labels(training: Training, name: str, held: list[Any]) -> tuple[Any, bool] | None:
    """All labels where they are an array; else those of the batches that were seen."""
    import numpy as np

    given = training.arguments.get("y")
    if not name and given is not None and hasattr(given, "shape"):
        return np.asarray(given)[:_MOST_LABELS], len(given) <= _MOST_LABELS
    seen = labels_seen(training) if not name else ()
    parts = [part for part in (seen or held) if part is not None and part.ndim]
    if not parts or any(part.shape[1:] != parts[0].shape[1:] for part in parts):
        return None
    return np.concatenate(parts), False


def _facts(array: Any, whole: bool, loss: Loss, units: int) -> Labels:
    import numpy as np

    values = arrays.values_of("y", array)
    if values.kind not in ("float", "integer", "bool") or not values.finite:
        return Labels(values=values, whole=whole)
    numbers = array.astype("float64")
    if loss.ignored is not None:
        numbers = numbers[numbers != loss.ignored]
        values = arrays.values_of("y", numbers)
    one_hot = loss.name in CATEGORICAL and array.ndim > 1 and array.shape[-1] == units > 1
    sums = numbers.sum(axis=-1) if numbers.ndim > 1 and numbers.shape[-1] > 1 else None
    return Labels(
        values=values,
        fractions=bool((numbers != np.round(numbers)).any()),
        classes=len(np.unique(numbers.argmax(axis=-1) if one_hot else numbers)),
        rows_of_one=None if sums is None else float((np.abs(sums - 1) < _SUM_TOLERANCE).mean()),
        whole=whole,
    )


def _kind(predictions: list[Any]) -> Outputs:
    import numpy as np

    rows = [array.astype("float64") for array in predictions]
    if any((array < 0).any() or (array > 1 + _SUM_TOLERANCE).any() for array in rows):
        return "numbers"
    if all(
        array.ndim > 1
        and array.shape[-1] > 1
        and (np.abs(array.sum(axis=-1) - 1) < _SUM_TOLERANCE).all()
        for array in rows
    ):
        return "probabilities"
    return "units"


def _unreachable(array: Any, activation: str) -> float:
    low, high = RANGES.get(activation, (float("-inf"), float("inf")))
    if array.dtype.kind not in "fiub" or not array.size:
        return 0.0
    return float(((array < low) | (array > high)).mean())


def _sees_through(context: Context, loss: Loss, prediction: Any, y: Any) -> bool | None:
    """Whether Keras takes the logits out of the activation: a copy without that trace tells.

    Its losses then compute with the layer's own logits, whatever `from_logits` says (Keras 3).
    """
    import warnings

    function = loss.function
    kwargs = {} if isinstance(function, context.keras.losses.Loss) else {"from_logits": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            as_it_is = arrays.as_array(function(y, prediction, **kwargs))
            as_numbers = arrays.as_array(function(y, context.tf.identity(prediction), **kwargs))
    except Exception:  # a loss that cannot be called alone
        return None
    if as_it_is is None or as_numbers is None:
        return None
    return bool(abs(as_it_is - as_numbers).max() > 1e-6)
