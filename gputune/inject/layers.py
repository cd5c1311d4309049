"""Keras' layers as plain data: the types they compute in, and the sizes of their matrices.

Tensor cores work on blocks: for 16-bit types a matrix whose dimensions are multiples of 8 fills
them (NVIDIA, "Deep Learning Performance Documentation": "Tensor Core Requirements"). What cuDNN
pads by itself is left out: the few channels of a picture.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

WANTED = 8
MOST_LAYERS = 20
_PICTURE_CHANNELS = 4


@dataclass(frozen=True)
class Dimension:
    """A dimension of a layer's matrix product that is no multiple of `wanted`."""

    layer: str
    kind: str
    dimension: str
    size: int
    wanted: int = WANTED


def off_size(model: Any) -> list[dict[str, Any]]:
    """The layers with such a dimension, those that compute most first: 20 at most."""
    found: list[tuple[float, Dimension]] = []
    inside: set[int] = set()
    for layer in flat(model):
        if id(layer) in inside:
            continue
        inside.update(id(part) for part in _parts(layer))
        work = _work(layer)
        found += [
            (work, Dimension(str(layer.name), type(layer).__name__, name, size))
            for name, size in _dimensions(layer)
            if size % WANTED and not (name == "input channels" and size <= _PICTURE_CHANNELS)
        ]
    found.sort(key=lambda item: -item[0])
    return [asdict(dimension) for _, dimension in found[:MOST_LAYERS]]


def policy(model: Any) -> str | None:
    """The precision policy of the layers with weights.

    Where they differ (a last layer in float32), all of them: `mixed_float16 and float32`, the one
    of most layers first.
    """
    names = Counter(
        str(layer.dtype_policy.name)
        for layer in flat(model)
        if layer is not model and layer.weights and not getattr(layer, "layers", None)
    )
    return " and ".join(name for name, _ in names.most_common()) or None


def flat(model: Any) -> Iterator[Any]:
    """The model's layers and theirs.

    `_flatten_layers` is private (tried on Keras 3.15); without it layers inside of layers that
    are no models stay unseen.
    """
    flatten = getattr(model, "_flatten_layers", None)
    if flatten is not None:
        yield from flatten(include_self=False)
        return
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from flat(layer)


def _dimensions(layer: Any) -> Iterator[tuple[str, int]]:
    """(what it is, its size) for the dimensions of the layer's matrix products."""
    kind = type(layer).__name__
    kernel = _kernel(layer)
    if kind == "Embedding":
        yield "output features", int(layer.output_dim)
    elif kind == "MultiHeadAttention":
        weights = layer.weights
        if weights:
            yield "input features", int(weights[0].shape[0])
        yield "key_dim", int(layer.key_dim)
    elif kind in ("LSTM", "GRU", "SimpleRNN"):
        yield "units", int(layer.units)
        kernel = _kernel(getattr(layer, "cell", layer))
        if kernel is not None:
            yield "input features", int(kernel.shape[0])
    elif kind in ("Dense", "EinsumDense") and kernel is not None:
        yield "units", int(kernel.shape[-1])
        yield "input features", int(kernel.shape[0])
    elif kind.startswith("Conv") and kernel is not None and len(kernel.shape) >= 3:
        outer, inner = int(kernel.shape[-1]), int(kernel.shape[-2])
        if kind.endswith("Transpose"):
            outer, inner = inner, outer
        yield "filters", outer
        yield "input channels", inner
    elif kind.startswith("SeparableConv") and getattr(layer, "pointwise_kernel", None) is not None:
        yield "filters", int(layer.pointwise_kernel.shape[-1])


def _parts(layer: Any) -> Iterator[Any]:
    """What is inside of a layer that is looked at as a whole."""
    if type(layer).__name__ in ("MultiHeadAttention", "LSTM", "GRU", "SimpleRNN"):
        yield from flat(layer)


def _kernel(layer: Any) -> Any:
    kernel = getattr(layer, "kernel", None)
    return kernel if getattr(kernel, "shape", None) is not None else None


def _work(layer: Any) -> float:
    """Multiplications for one sample: the weights, each as often as there are positions.

    Positions are known of layers of a functional model alone: others count one.
    """
    if type(layer).__name__ == "Embedding":
        return 0.0
    weights = sum(math.prod(w.shape) for w in layer.weights)
    try:
        shape = layer.output.shape
        positions = math.prod(size for size in shape[1:-1] if size is not None)
    except (AttributeError, ValueError, TypeError):  # never called on a symbolic tensor, or often
        positions = 1
    return float(weights * positions)
