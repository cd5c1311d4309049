"""Shapes that raise no error and are wrong, beside near ones that are right."""

from __future__ import annotations

from gputune.checks.script.shapes import seen
from gputune.checks.script.shapes.parts import ModelFacts, Part
from gputune.schema.training import Retracing

HEAD = Part("head", "Dense")


def of_labels(loss: str, y_true, y_pred) -> list[str]:
    return [f.id for f in seen.broadcast(loss, y_true, y_pred, HEAD, None)]


def test_labels_that_are_stretched_over_the_predictions_are_found() -> None:
    assert of_labels("mean_squared_error", (32, 4), (32, 1)) == ["label-shape"]
    assert of_labels("mae", (32, 1), (32, 4)) == ["label-shape"]


def test_what_keras_puts_right_and_what_fits_is_not_found() -> None:
    assert of_labels("mean_squared_error", (32,), (32, 1)) == []
    assert of_labels("mean_squared_error", (32, 4), (32, 4)) == []
    assert of_labels("sparse_categorical_crossentropy", (32, 1), (32, 10)) == []
    assert of_labels("mean_squared_error", (32, None), (32, 1)) == []


def test_fractions_as_indices_are_found() -> None:
    assert [f.id for f in seen.fractions(Part("words", "Embedding"), 3, None)] == [
        "index-fractions"
    ]
    assert list(seen.fractions(Part("words", "Embedding"), 0, None)) == []


def again(changed: str, during: int) -> list[str]:
    found = Retracing(function="step", count=5, during_training=during, changed=changed)
    return [f.id for f in seen.retraced(found)]


def test_retracing_counts_for_shapes_that_go_on_changing() -> None:
    assert again("shape of x: (32, 10), then (32, 12)", 4) == ["shape-retracing"]
    assert again("shape of x: (32, 10), then (7, 10)", 1) == [], "an epoch's last batch"
    assert again("the Python value of x", 4) == []


def test_an_unknown_rank_is_a_note_and_changing_shapes_matter_under_xla() -> None:
    def ids(spec, first, second, compiled: bool) -> list[str]:
        return [f.id for f in seen.unknown(spec, first, second, compiled=compiled, site=None)]

    assert ids((None, (None, 3)), (), (), False) == ["shape-unknown"]
    changing = (((32, 10),), ((32, 12),))
    assert ids(((None, None),), *changing, True) == ["shape-retracing"]
    assert ids(((None, None),), *changing, False) == []
    assert ids(((None, 10),), ((32, 10),), ((7, 10),), True) == []


def test_data_that_contradict_the_models_inputs_are_said_though_nothing_was_raised() -> None:
    def ids(declared, given) -> list[tuple[str, str]]:
        model = ModelFacts(Part("net", "Functional"), (declared,), (given,))
        return [(f.id, f.severity.value) for f in seen.undeclared(model, None)]

    assert ids((None, 10, 5), (32, 12, 5)) == [("input-differs", "warning")]
    assert ids((None, None, 5), (32, 12, 5)) == []
    assert ids((None, 10, 5), (7, 10, 5)) == []
    assert ids((None, 28, 28, 1), (32, 28, 28)) == [], "Keras itself adds the axis"
