"""Which dimensions of a model's layers tensor cores serve badly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gputune.inject.layers import MOST_LAYERS, off_size, policy


def tensor(*shape: int | None) -> Any:
    return SimpleNamespace(shape=shape)


def layer(kind: str, name: str, *kernel: int, policy: str = "float32", **more: Any) -> Any:
    """A layer of that class, with one kernel and nothing else of Keras."""
    weights = [tensor(*kernel)] if kernel else []
    made = type(kind, (), {})()
    made.__dict__.update(
        {"name": name, "kernel": weights[0] if weights else None, "weights": weights,
         "dtype_policy": SimpleNamespace(name=policy), **more}
    )  # fmt: skip
    return made


def model(*layers: Any) -> Any:
    return SimpleNamespace(layers=list(layers))


def notes(*layers: Any) -> list[tuple[str, str, int]]:
    return [(n["layer"], n["dimension"], n["size"]) for n in off_size(model(*layers))]


def test_multiples_of_eight_are_no_note() -> None:
    assert notes(layer("Dense", "a", 64, 8), layer("Conv2D", "b", 3, 3, 16, 32)) == []


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (layer("Dense", "a", 64, 10), [("a", "units", 10)]),
        (layer("Dense", "a", 13, 64), [("a", "input features", 13)]),
        (layer("Conv2D", "a", 3, 3, 20, 30),
         [("a", "filters", 30), ("a", "input channels", 20)]),
        # A transposed convolution's kernel has its filters before its channels.
        (layer("Conv2DTranspose", "a", 3, 3, 30, 20),
         [("a", "filters", 30), ("a", "input channels", 20)]),
        # cuDNN pads the channels of a picture.
        (layer("Conv2D", "a", 7, 7, 3, 64), []),
        (layer("Embedding", "a", output_dim=50), [("a", "output features", 50)]),
        (layer("SeparableConv2D", "a", pointwise_kernel=tensor(1, 1, 8, 30)),
         [("a", "filters", 30)]),
        (layer("BatchNormalization", "a", 30), []),
    ],
)  # fmt: skip
def test_the_dimensions_of_each_kind_of_layer(
    made: Any, expected: list[tuple[str, str, int]]
) -> None:
    assert notes(made) == expected


def test_a_layer_that_is_looked_at_as_a_whole_hides_its_parts() -> None:
    inner = layer("EinsumDense", "query", 30, 4, 10)
    attention = layer("MultiHeadAttention", "a", 30, 4, 10, key_dim=10, layers=[inner])
    found = notes(attention)
    assert found == [("a", "input features", 30), ("a", "key_dim", 10)]

    cell = layer("LSTMCell", "cell", 13, 80)
    assert notes(layer("LSTM", "b", units=20, cell=cell, layers=[cell])) == [
        ("b", "units", 20), ("b", "input features", 13)
    ]  # fmt: skip


def test_those_that_compute_most_come_first() -> None:
    # 800 weights at 100 positions weigh more than 8000 at one.
    wide = layer("Conv2D", "wide", 1, 1, 80, 10, output=tensor(None, 10, 10, 10))
    deep = layer("Dense", "deep", 800, 10, output=tensor(None, 10))
    unknown = layer("Dense", "never called", 80, 10)
    assert [name for name, _, _ in notes(unknown, deep, wide)] == ["wide", "deep", "never called"]


def test_the_list_is_bounded() -> None:
    assert len(notes(*(layer("Dense", f"{i}", 64, 9) for i in range(50)))) == MOST_LAYERS


def test_the_policy_is_that_of_the_layers_with_weights() -> None:
    plain = layer("Dense", "a", 8, 8)
    half = layer("Dense", "b", 8, 8, policy="mixed_float16")
    without = layer("ReLU", "c", policy="float64")
    assert policy(model(plain, without)) == "float32"
    assert policy(model(half, half, plain)) == "mixed_float16 and float32"
    assert policy(model(without)) is None
