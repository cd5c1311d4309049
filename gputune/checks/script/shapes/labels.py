"""Labels against predictions: the loss, the metrics, and the number of samples."""

from __future__ import annotations

from gputune.checks.script.reading import Shape
from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.parts import Part
from gputune.checks.script.shapes.words import Diagnosis, called, first_upper, shown

ID = "label-shape"


def diagnose(facts: Facts) -> Diagnosis | None:
    """What is wrong between labels and predictions; None where the error is no such one."""
    if facts.stage == "data":
        return _samples(facts)
    if facts.y_true is None or facts.y_pred is None:
        return None
    if facts.stage == "metric":
        return _metric(facts, facts.y_true, facts.y_pred)
    if facts.stage == "loss":
        head = facts.model.last if facts.model is not None else None
        return of_loss(facts.part.kind, facts.y_true, facts.y_pred, head or Part("", "output"))
    return None


def of_loss(loss: str, y_true: Shape, y_pred: Shape, head: Part) -> Diagnosis:
    """What is wrong between labels `y_true` and the predictions `y_pred` of the layer `head`."""
    kind = _plain(loss)
    who = first_upper(called(head)) if head.name else "The model"
    title = f"{who} gives {shown(y_pred)}, and {kind} has labels of shape {shown(y_true)}."
    return Diagnosis(title=title, remedy=_cure(kind, y_true, y_pred, head), id=ID)


def _cure(kind: str, y_true: Shape, y_pred: Shape, head: Part) -> str:
    layer = f"`{head.name}`" if head.name else "the last layer"
    sparse = kind.startswith("sparse")
    rank = len(y_pred) - len(y_true) - (1 if sparse else 0)
    if len(y_pred) > 2 and rank > 0 and not (rank == 1 and y_pred[-1] == 1):
        pooled = "GlobalAveragePooling1D()" if len(y_pred) == 3 else "GlobalAveragePooling2D()"
        return (
            f"A prediction of {len(y_pred)} axes for labels of {len(y_true)}: put Flatten() or "
            f"{pooled} before {layer}"
            + (", or give the last recurrent layer return_sequences=False." if len(y_pred) == 3
               else ".")
        )  # fmt: skip
    if sparse and len(y_true) == len(y_pred) and (y_true[-1] or 0) > 1:
        return (
            "The labels are one-hot: use categorical_crossentropy, or make them integers with "
            "np.argmax(y, axis=-1)."
        )
    if kind.startswith("categorical") and _is_index(y_true, y_pred):
        return (
            "The labels are integers: use sparse_categorical_crossentropy, or make them one-hot "
            f"with keras.utils.to_categorical(y, {y_pred[-1]})."
        )
    if kind.startswith("binary") and _is_index(y_true, y_pred):
        return (
            f"One yes-or-no label a sample: give {layer} 1 unit with a sigmoid, or keep its "
            f"{y_pred[-1]} units with a softmax and sparse_categorical_crossentropy."
        )
    if len(y_true) == len(y_pred) and y_true[-1] is not None and y_true[-1] != y_pred[-1]:
        count = y_true[-1]
        return f"Give {layer} {count} unit{'' if count == 1 else 's'}, one for each label column."
    if _is_index(y_true, y_pred):
        return (
            f"One number a sample as label: give {layer} 1 unit for a regression, or use "
            "sparse_categorical_crossentropy where the labels are classes."
        )
    return f"Make {layer} give a value for each label: shapes {shown(y_true)}."


def _is_index(y_true: Shape, y_pred: Shape) -> bool:
    """Whether there is one label where there are several predicted values."""
    several = (y_pred[-1] or 0) > 1
    return several and (
        len(y_true) == len(y_pred) - 1 or (len(y_true) == len(y_pred) and y_true[-1] == 1)
    )


def _metric(facts: Facts, y_true: Shape, y_pred: Shape) -> Diagnosis:
    part = facts.part
    remedy = "Use a metric that is made for these labels."
    if _is_index(y_true, y_pred):
        remedy = (
            f"The metric compares one label with {y_pred[-1]} predicted values: with integer "
            "labels use the metrics whose names begin with Sparse, or make the labels one-hot "
            f"with keras.utils.to_categorical(y, {y_pred[-1]}) and use categorical_crossentropy."
        )
    elif part.kind.startswith("Sparse"):
        remedy = f"The labels are one-hot: use the metric {part.kind.removeprefix('Sparse')}."
    return Diagnosis(
        title=f"The metric `{part.name}` ({part.kind}) compares labels of shape {shown(y_true)} "
        f"with predictions of {shown(y_pred)}.",
        remedy=remedy,
        id=ID,
    )


def _samples(facts: Facts) -> Diagnosis:
    counts = [shape[0] for shape in facts.given if shape]
    said = ", ".join(map(str, counts)) or "different numbers"
    return Diagnosis(
        title=f"fit is given arrays with different numbers of samples: {said}.",
        remedy="x, y and sample_weight want as many rows each: cut or build them from the same "
        "rows. Several inputs are a list or a dict of arrays, not one array.",
        id="sample-count",
    )


def _plain(loss: str) -> str:
    """`CategoricalCrossentropy` and `categorical_crossentropy` are one loss."""
    if loss.islower() or "_" in loss:
        return loss
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in loss).lstrip("_")
