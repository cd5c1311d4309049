"""Each mistake of loss, output and labels, and what is near to it and none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputune.checks.script.labels.facts import Labels, Output
from gputune.checks.script.labels.judging import judge
from gputune.checks.script.probe.facts import Values

SPARSE, CATEGORICAL, BINARY, MSE = (
    "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy",
    "mean_squared_error",
)  # fmt: skip


def labels(low: float, high: float, *, shape: tuple[int, ...] = (64,), **fields) -> Labels:
    values = Values(name="y", shape=shape, kind="float", minimum=low, maximum=high)
    return Labels(values=values, **{"classes": int(high - low) + 1, **fields})


def output(loss: str, activation: str, seen: Labels, **fields) -> Output:
    kind = {"softmax": "probabilities", "sigmoid": "units"}.get(activation, "numbers")
    low, high = (0.0, 1.0) if kind != "numbers" else (-3.0, 3.0)
    return Output(
        **{
            "name": "", "loss": loss, "activation": activation, "outputs": kind, "units": 5,
            "from_logits": None if loss == MSE else False, "minimum": low, "maximum": high,
            "labels": seen, **fields,
        }
    )  # fmt: skip


def ids(one: Output) -> list[tuple[str, str]]:
    return [(str(finding.severity), finding.id) for finding in judge(one, None)]


CLASSES = labels(0, 4)
TWO = labels(0, 1)
ONE_HOT = labels(0, 1, shape=(64, 5), rows_of_one=1.0, classes=5)
GOOD = {
    "sparse": output(SPARSE, "softmax", CLASSES),
    "sparse with logits": output(SPARSE, "", CLASSES, from_logits=True),
    "one-hot": output(CATEGORICAL, "softmax", ONE_HOT),
    "binary": output(BINARY, "sigmoid", TWO, units=1),
    "binary with logits": output(BINARY, "", TWO, units=1, from_logits=True),
    "several at once": output(BINARY, "sigmoid", replace(ONE_HOT, rows_of_one=0.1)),
    "an autoencoder": output(BINARY, "sigmoid", labels(0, 1, fractions=True)),
    "softened labels": output(CATEGORICAL, "softmax", replace(ONE_HOT, fractions=True)),
    "a number": output(MSE, "", labels(-900, 900, fractions=True), units=1),
    "logits that happen to lie in [0, 1]": output(
        BINARY, "", TWO, units=1, from_logits=True, outputs="units", minimum=0.1, maximum=0.2
    ),
    "positive outputs that categorical_crossentropy divides": output(
        CATEGORICAL, "relu", ONE_HOT, minimum=0.0, maximum=9.0
    ),
    "some classes are not in the batches": output(SPARSE, "softmax", labels(0, 1), units=5),
}
WRONG = {
    "one unit": (output(CATEGORICAL, "softmax", TWO, units=1), "problem", "softmax-of-one"),
    "one unit, binary": (
        output(BINARY, "softmax", TWO, units=1, minimum=1.0),
        "problem",
        "softmax-of-one",
    ),
    "no softmax": (output(SPARSE, "", CLASSES), "problem", "logits-as-probabilities"),
    "no sigmoid": (output(BINARY, "", TWO, units=1), "problem", "logits-as-probabilities"),
    "softmax twice": (
        output(SPARSE, "softmax", CLASSES, from_logits=True, sees_through=False),
        "problem",
        "probabilities-as-logits",
    ),
    "softmax that Keras sees through": (
        output(SPARSE, "softmax", CLASSES, from_logits=True, sees_through=True),
        "warning",
        "probabilities-as-logits",
    ),
    "sigmoid twice": (
        output(BINARY, "sigmoid", TWO, units=1, from_logits=True, sees_through=False),
        "problem",
        "probabilities-as-logits",
    ),
    "sigmoids for classes": (
        output(SPARSE, "sigmoid", CLASSES),
        "warning",
        "sigmoid-for-classes",
    ),
    "softmax, each for itself": (
        output(BINARY, "softmax", ONE_HOT),
        "warning",
        "softmax-for-binary",
    ),
    "numbers for classes": (
        output(SPARSE, "softmax", labels(0, 3.7, fractions=True)),
        "problem",
        "labels-are-no-classes",
    ),
    "a label too many": (output(SPARSE, "softmax", labels(1, 5)), "problem", "label-out-of-range"),
    "minus one": (output(SPARSE, "softmax", labels(-1, 4)), "problem", "label-out-of-range"),
    "-1 and 1": (
        output(BINARY, "sigmoid", labels(-1, 1, classes=2), units=1),
        "problem",
        "labels-not-0-to-1",
    ),
    "classes for a sigmoid": (
        output(BINARY, "sigmoid", CLASSES, units=1),
        "problem",
        "labels-not-0-to-1",
    ),
    "several at once with a softmax": (
        output(CATEGORICAL, "softmax", replace(ONE_HOT, rows_of_one=0.3)),
        "warning",
        "labels-not-one-hot",
    ),
    "below a ReLU": (
        output(MSE, "relu", labels(-9, -1), units=1, unreachable=1.0),
        "problem",
        "output-cannot-reach-labels",
    ),
    "partly beyond a sigmoid": (
        output(MSE, "sigmoid", labels(0, 3), units=1, unreachable=0.2),
        "warning",
        "output-cannot-reach-labels",
    ),
    "distances of classes": (output(MSE, "softmax", ONE_HOT), "note", "distance-for-classes"),
    "one label": (
        output(BINARY, "sigmoid", labels(1, 1, whole=True), units=1),
        "problem",
        "labels-constant",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_fits_has_no_finding(name: str) -> None:
    assert ids(GOOD[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_has_one(name: str) -> None:
    one, severity, identity = WRONG[name]
    assert ids(one) == [(severity, identity)]


def test_the_cure_of_labels_that_count_from_1_is_to_subtract_1() -> None:
    (one,) = judge(output(SPARSE, "softmax", labels(1, 5)), None)
    assert one.title == "A label is 5, but the model has outputs for the classes 0 to 4."
    assert "subtract 1" in one.remedy


def test_one_label_in_some_batches_says_nothing_of_all() -> None:
    assert ids(output(BINARY, "sigmoid", labels(1, 1), units=1)) == []
    assert ids(output(BINARY, "sigmoid", labels(1, 1, whole=True, shape=(8,)), units=1)) == []


def test_an_output_is_named_where_there_are_several() -> None:
    (one,) = judge(replace(output(SPARSE, "", CLASSES), name="kind"), None)
    assert "(kind)" in one.title
