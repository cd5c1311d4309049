"""The hooks of the check `order`: labels in their order, and the pipeline's recorded calls."""

from __future__ import annotations

from typing import Any

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.context import Context
from gputune.checks.script.labels.losses import REGRESSION, loss_of
from gputune.checks.script.order.judging import Order, Shuffled, judge
from gputune.checks.script.probe.labels_seen import labels_seen
from gputune.checks.script.training import Training
from gputune.inject.chains import above, is_source

_MOST_LABELS = 1_000_000


class OrderOfData(Check):
    """No shuffle, and data that are sorted by their label."""

    def finish(self, training: Training) -> Findings:
        """Judge the order in which labels come."""
        whole = _are_arrays(training)
        classes: list[int] | None = []
        if _are_classes(self.context, training.model):
            classes = (
                _class_numbers(training.arguments.get("y"))
                if whole
                else _joined([_class_numbers(labels) for labels in labels_seen(training)])
            )
        shuffled = _of_arrays(training) if whole else _of_calls(self.context, training)
        if not classes and shuffled is Shuffled.UNKNOWN:
            raise NotRun("neither class labels nor recorded tf.data calls were seen")
        yield from judge(
            Order(
                classes=tuple(classes or ()),
                whole=whole,
                shuffled=shuffled,
                validation_split=_share(training.arguments.get("validation_split")),
                stateful=_is_stateful(training.model),
            ),
            training.site,
        )


def _are_classes(context: Context, model: Any) -> bool:
    """Whether labels may be classes: those of a distance (a time series) may well be in order."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, (dict, list, tuple)):
        return len(loss) == 1
    return loss is None or loss_of(context.keras, loss).name not in REGRESSION


def _are_arrays(training: Training) -> bool:
    """Whether `fit` was given arrays: it takes `y` with nothing else."""
    x = training.arguments.get("x")
    if training.arguments.get("y") is not None or isinstance(x, (dict, list, tuple)):
        return True
    return hasattr(x, "shape") and not hasattr(x, "element_spec")


def _of_arrays(training: Training) -> Shuffled:
    """As Keras does for arrays: `shuffle` is True where it is not given."""
    return Shuffled.NO if training.arguments.get("shuffle") is False else Shuffled.YES


def _of_calls(context: Context, training: Training) -> Shuffled:
    """From the recorded calls of tf.data, where all that the data come from is known."""
    given = training.arguments.get("x")
    recorder = context.watch.recorder
    number = recorder.id_of(given) if recorder is not None and given is not None else None
    if recorder is None or number is None:
        return Shuffled.UNKNOWN
    living = recorder.living()
    if number not in living:
        return Shuffled.UNKNOWN
    calls = above(living, living[number][1])
    if any(_shuffles(call) for call in calls):
        return Shuffled.YES
    sources = [call for call in calls if not call.inputs]
    known = all(is_source(call.method) for call in sources)
    return Shuffled.NO if sources and known else Shuffled.UNKNOWN


def _shuffles(call: Any) -> bool:
    """Whether the call mixes elements: by a buffer, by file names, or by a random choice."""
    if call.method == "list_files":
        return call.arguments.get("shuffle", True) is not False
    return call.method in (
        "shuffle", "sample_from_datasets", "choose_from_datasets", "rejection_resample", "random",
    ) and call.arguments.get("buffer_size", 0) != 1  # fmt: skip


def _class_numbers(labels: Any) -> list[int] | None:
    """Whole numbers, one a sample: as they are, or the place of the 1 in a one-hot row."""
    import numpy as np

    if labels is None or not hasattr(labels, "shape"):
        return None
    array = np.asarray(labels)[:_MOST_LABELS]
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind not in "fiub" or array.ndim not in (1, 2) or not array.size:
        return None
    if array.ndim == 2:
        if not ((array.sum(axis=1) == 1) & (array.max(axis=1) == 1)).all():
            return None
        array = array.argmax(axis=1)
    if not np.isfinite(array).all() or (array != np.round(array)).any():
        return None
    return [int(value) for value in array]


def _joined(parts: list[list[int] | None]) -> list[int]:
    found: list[int] = []
    for part in parts:
        if part is None:
            return []
        found += part
    return found


def _share(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _is_stateful(model: Any) -> bool:
    """Whether the order means something: a recurrent layer keeps its state between batches."""
    return any(getattr(layer, "stateful", False) for layer in getattr(model, "layers", ()))
