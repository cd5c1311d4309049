"""The floating-point operations of one operation of TensorFlow, from its shapes alone.

Counted are matrix products, convolutions and cuDNN's recurrent layers, forward and backward: a
multiply and an add are two operations, as in every vendor's peak rate. Element-wise operations,
reductions and normalisations are not: they are bound by memory, not by arithmetic, and model
FLOPs utilisation leaves them out by definition (Chowdhery et al. 2022, "PaLM", appendix B).

TensorFlow's own `tf.compat.v1.profiler` counts the operations of one graph, element-wise ones
among them, but neither Einsum nor 3-D convolutions nor what a graph calls, and nothing whose batch
dimension was unknown while it was traced: Keras' train function is all of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

Shape = tuple[int | None, ...] | None
"""A dimension that is not known is None; so is a shape whose rank is not known."""
Attribute = Callable[[str], Any]

_GATES = {"lstm": 4, "gru": 3, "rnn_relu": 1, "rnn_tanh": 1}
"""Matrices of a recurrent cell (cuDNN's documentation of cudnnRNNMode_t)."""
NO_FORMULA = frozenset(
    {"SparseTensorDenseMatMul", "SparseMatrixMatMul", "SparseMatrixSparseMatMul", "XlaDot",
     "XlaDotV2", "XlaConv", "XlaConvV2", "XlaCallModule", "QuantizedMatMul", "UniformQuantizedDot",
     "UniformQuantizedConvolution"}
)  # fmt: skip
"""Operations that surely compute much, and whose arithmetic does not follow from shapes."""


def flops(
    kind: str, inputs: Sequence[Shape], outputs: Sequence[Shape], attribute: Attribute
) -> float | None:
    """The operations of one run of the operation `kind`; None where a dimension is not known.

    `attribute(name)` gives an attribute of the operation (`transpose_a`, `equation`). Raises
    KeyError for a kind that is not in KINDS.
    """
    try:
        return float(_FORMULAS[kind](inputs, outputs, attribute))
    except _Unknown:
        return None


class _Unknown(Exception):
    """A dimension that the formula needs is not known."""


def _known(shape: Shape, rank_at_least: int = 0) -> tuple[int, ...]:
    if shape is None or len(shape) < rank_at_least or any(size is None for size in shape):
        raise _Unknown
    return tuple(int(size) for size in shape if size is not None)


def _matmul(inputs: Sequence[Shape], outputs: Sequence[Shape], attribute: Attribute) -> int:
    rows, inner = _known(inputs[0], 2)[-2:]
    columns = _known(inputs[1], 2)[-1 if not attribute("transpose_b") else -2]
    if attribute("transpose_a"):
        rows, inner = inner, rows
    return 2 * rows * inner * columns


def _batch_matmul(inputs: Sequence[Shape], outputs: Sequence[Shape], attribute: Attribute) -> int:
    inner = _known(inputs[0], 2)[-2 if attribute("adj_x") else -1]
    return 2 * math.prod(_known(outputs[0], 2)) * inner


def _einsum(inputs: Sequence[Shape], outputs: Sequence[Shape], attribute: Attribute) -> int:
    equation = attribute("equation")
    text = equation.decode() if isinstance(equation, bytes) else str(equation)
    left, _, result = text.replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    broadcast: list[int] = []
    for term, shape in zip(left.split(","), inputs, strict=True):
        known = _known(shape)
        before, dots, after = term.partition("...")
        extra = known[len(before) : len(known) - len(after)] if dots else ()
        rest = known[: len(before)] + known[len(known) - len(after) :] if dots else known
        # Broadcast dimensions are aligned at their ends; the larger of two counts.
        padded = [1] * (len(extra) - len(broadcast)) + broadcast
        aligned = [1] * (len(padded) - len(extra)) + list(extra)
        broadcast = [max(a, b) for a, b in zip(padded, aligned, strict=True)]
        sizes.update(zip(before + after, rest, strict=True))
    if len(inputs) < 2:
        return 0  # a transposition or a sum
    contracted = any(label not in result for label in sizes)
    return (2 if contracted else 1) * math.prod(sizes.values()) * math.prod(broadcast)


def _taps(filters: tuple[int, ...]) -> int:
    """Multiplications for one element of the output: [height, width, …, in channels / groups]."""
    return math.prod(filters[:-1])


def _convolution(inputs: Sequence[Shape], outputs: Sequence[Shape], attribute: Attribute) -> int:
    return 2 * math.prod(_known(outputs[0])) * _taps(_known(inputs[1], 3))


def _convolution_input(inputs: Sequence[Shape], _: Sequence[Shape], __: Attribute) -> int:
    """The gradient for the input (and a transposed convolution): (sizes, filter, gradient)."""
    return 2 * math.prod(_known(inputs[2])) * _taps(_known(inputs[1], 3))


def _convolution_filter(inputs: Sequence[Shape], outputs: Sequence[Shape], _: Attribute) -> int:
    """The gradient for the filter: (input, sizes, gradient) -> a filter's shape."""
    return 2 * math.prod(_known(inputs[2])) * _taps(_known(outputs[0], 3))


def _depthwise(inputs: Sequence[Shape], outputs: Sequence[Shape], _: Attribute) -> int:
    return 2 * math.prod(_known(outputs[0])) * math.prod(_known(inputs[1], 4)[:2])


def _depthwise_input(inputs: Sequence[Shape], _: Sequence[Shape], __: Attribute) -> int:
    return 2 * math.prod(_known(inputs[2])) * math.prod(_known(inputs[1], 4)[:2])


def _depthwise_filter(inputs: Sequence[Shape], outputs: Sequence[Shape], _: Attribute) -> int:
    return 2 * math.prod(_known(inputs[2])) * math.prod(_known(outputs[0], 4)[:2])


def _cudnn_rnn(inputs: Sequence[Shape], _: Sequence[Shape], attribute: Attribute) -> int:
    """(input [time, batch, features] in some order, state [layers x directions, batch, units])."""
    steps, batch, features = _known(inputs[0], 3)
    states, _batch, units = _known(inputs[1], 3)
    mode, direction = _text(attribute("rnn_mode")), _text(attribute("direction"))
    if mode not in _GATES or _optional(attribute, "num_proj"):
        raise _Unknown
    directions = 2 if direction == "bidirectional" else 1
    layers = states // directions
    first = features + units
    others = (layers - 1) * (directions * units + units)
    return 2 * steps * batch * _GATES[mode] * units * directions * (first + others)


def _cudnn_rnn_backward(
    inputs: Sequence[Shape], outputs: Sequence[Shape], attribute: Attribute
) -> int:
    """The gradients for the input and for the weights take as much as the layer, each."""
    return 2 * _cudnn_rnn(inputs, outputs, attribute)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _optional(attribute: Attribute, name: str) -> Any:
    try:
        return attribute(name)
    except (KeyError, ValueError):
        return None


_FORMULAS: dict[str, Callable[[Sequence[Shape], Sequence[Shape], Attribute], int]] = {
    "MatMul": _matmul,
    "BatchMatMul": _batch_matmul,
    "BatchMatMulV2": _batch_matmul,
    "BatchMatMulV3": _batch_matmul,
    "Einsum": _einsum,
    "XlaEinsum": _einsum,
    "Conv": _convolution,
    "Conv2D": _convolution,
    "Conv3D": _convolution,
    "Conv2DBackpropInput": _convolution_input,
    "Conv3DBackpropInputV2": _convolution_input,
    "Conv2DBackpropFilter": _convolution_filter,
    "Conv3DBackpropFilterV2": _convolution_filter,
    "DepthwiseConv2dNative": _depthwise,
    "DepthwiseConv2dNativeBackpropInput": _depthwise_input,
    "DepthwiseConv2dNativeBackpropFilter": _depthwise_filter,
    "CudnnRNN": _cudnn_rnn,
    "CudnnRNNV2": _cudnn_rnn,
    "CudnnRNNV3": _cudnn_rnn,
    "CudnnRNNBackprop": _cudnn_rnn_backward,
    "CudnnRNNBackpropV2": _cudnn_rnn_backward,
    "CudnnRNNBackpropV3": _cudnn_rnn_backward,
}
KINDS = frozenset(_FORMULAS)
"""The operations that are counted."""
