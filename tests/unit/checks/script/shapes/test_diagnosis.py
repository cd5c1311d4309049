"""The right layer and the right cure, from the facts of errors that Keras has raised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputune.checks.script.shapes.declared import cure
from gputune.checks.script.shapes.diagnosis import diagnose, evidence
from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.labels import of_loss
from gputune.checks.script.shapes.parts import ModelFacts, Part, Wants
from tests.fixtures.shape_mistakes import MISTAKES, recorded

RECORDED = recorded()
HEAD = Part("head", "Dense", {"units": 10})


@pytest.mark.parametrize("name", MISTAKES)
def test_each_recorded_mistake_is_named_and_cured(name: str) -> None:
    who, words = MISTAKES[name]
    found = diagnose(RECORDED[name])
    assert f"`{who}`" in found.title or found.title.startswith(who)
    assert words in found.remedy or words in found.title
    assert found.title.count(". ") == 0 and found.title.endswith(".")
    assert len(found.remedy) < 300


_TEXT_TELLS = {
    "kernel_larger_than_the_picture",  # that the size is what is wrong
    "pooled_too_often",
    "product_in_a_layer_of_ones_own",  # the two sizes of the product
}
"""Beside the errors of the running graph, which have no frames."""


@pytest.mark.parametrize(
    "name", [n for n in MISTAKES if RECORDED[n].stage != "graph" and n not in _TEXT_TELLS]
)
def test_what_frames_hold_is_not_read_from_the_text(name: str) -> None:
    facts = RECORDED[name]
    assert diagnose(replace(facts, text="")) == diagnose(facts)


@pytest.mark.parametrize(
    ("want", "got", "words"),
    [
        ((None, 28, 28, 3), (32, 28, 28), "channel axis is missing"),
        ((None, 28, 28, 1), (28, 28, 1), ".batch(32)"),
        ((None, 784), (32, 28, 28), "Flatten the data"),
        ((None, 28, 28, 1), (32, 784), "x.reshape(-1, 28, 28, 1)"),
        ((None, 32, 32, 3), (32, 3, 32, 32), "x.transpose(0, 2, 3, 1)"),
        ((None, 3, 32, 32), (32, 32, 32, 3), "x.transpose(0, 3, 1, 2)"),
        ((None, 100, 5), (32, 5, 100), "Timesteps and features are swapped"),
        ((None, 100, 5), (32, 90, 5), "90 timesteps"),
        ((None, 20), (32, 21), "21 features"),
        ((None, 32, 32, 3), (32, 32, 32, 1), "grayscale_to_rgb"),
        ((None, 32, 32, 1), (32, 32, 32, 3), "rgb_to_grayscale"),
        ((None, 32, 32, 3), (32, 32, 32, 4), "alpha"),
        ((None, 64, 64, 3), (32, 32, 32, 3), "Resizing(64, 64)"),
        ((None, 20), (4, 32, 20), "batched twice"),
        ((None, 12, 5), (32, 5), "timesteps axis is missing"),
    ],
)
def test_the_cure_for_data_that_do_not_fit_the_model(want, got, words: str) -> None:
    assert words in cure(want, got)


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "words"),
    [
        ("SparseCategoricalCrossentropy", (32, 10), (32, 10), "use categorical_crossentropy"),
        ("categorical_crossentropy", (32, 1), (32, 10), "to_categorical(y, 10)"),
        ("binary_crossentropy", (32,), (32, 2), "1 unit with a sigmoid"),
        ("categorical_crossentropy", (32, 10), (32, 3), "`head` 10 units"),
        ("mean_squared_error", (32, 4), (32, 1), "`head` 4 units"),
        ("mean_squared_error", (32,), (32, 3), "1 unit for a regression"),
        ("sparse_categorical_crossentropy", (32,), (32, 12, 10), "return_sequences=False"),
    ],
)
def test_the_cure_for_labels_that_do_not_fit_the_predictions(loss, y_true, y_pred, words) -> None:
    assert words in of_loss(loss, y_true, y_pred, HEAD).remedy


def layer(kind: str, wants: Wants, given, by: Part | None = None) -> Facts:
    return Facts(
        error="ValueError", text="shape", stage="layer", part=Part("it", kind), wants=(wants,),
        given=(given,), by=by, in_fit=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "wants", "given", "by", "words"),
    [
        ("GRU", Wants(ndim=3), (32, 8, 8, 4), None, "TimeDistributed(Flatten())"),
        ("GRU", Wants(ndim=3), (32, 8), Part("rnn", "Bidirectional"), "return_sequences=True"),
        ("Conv1D", Wants(min_ndim=3, max_ndim=3), (32, 9, 9, 4), None, "Conv2D"),
        ("Conv2D", Wants(min_ndim=4), (28, 32, 3), None, ".batch(32)"),
        ("Dense", Wants(min_ndim=2), (20,), None, "x[None, ...]"),
        ("Dense", Wants(min_ndim=2, axes={-1: 64}), (32, 32), Part("d", "Dense"), "64 units"),
        ("Conv2D", Wants(min_ndim=4, axes={-1: 3}), (32, 3, 9, 9), None, "transpose(0, 2, 3, 1)"),
    ],
)  # fmt: skip
def test_the_cure_for_a_layers_own_specification(kind, wants, given, by, words: str) -> None:
    found = diagnose(layer(kind, wants, given, by))
    assert "`it`" in found.title and words in found.remedy


def test_what_fits_the_specification_is_left_to_the_general_word() -> None:
    found = diagnose(layer("Dense", Wants(min_ndim=2), (32, 20)))
    assert "cannot work on (32, 20)" in found.title


def test_a_model_with_its_own_mistake_is_named_before_the_layer_that_raised() -> None:
    facts = layer("Dense", Wants(min_ndim=2, axes={-1: 50}), (32, 60))
    model = ModelFacts(Part("net", "Functional"), ((None, 10, 5),), ((32, 12, 5),))
    assert "`net`" in diagnose(replace(facts, model=model)).title
    right = replace(model, given=((32, 10, 5),))
    assert "`it`" in diagnose(replace(facts, model=right)).title


def test_the_evidence_has_the_shapes_and_the_errors_own_first_line() -> None:
    said = evidence(RECORDED["units_are_not_the_classes"])
    assert said[0] == "labels (32, 10), predictions (32, 3)"
    assert said[1].startswith("ValueError: Arguments `target` and `output`")
