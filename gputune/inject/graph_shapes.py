"""Shapes in a graph, as far as a trace knows them: None for an unknown rank or size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gputune.inject.op_flops import Shape


def shape_of(tensor: Any) -> Shape:
    """The static shape of a tensor."""
    return None if tensor.shape.rank is None else tuple(tensor.shape.as_list())


def whole(shape: Shape) -> bool:
    """Whether the rank and every size are known."""
    return shape is not None and None not in shape


def compatible(shape: Shape, other: Sequence[int]) -> bool:
    """Whether a known shape can be a case of this one."""
    if shape is None:
        return True
    return len(shape) == len(other) and all(
        a is None or a == b for a, b in zip(shape, other, strict=True)
    )


def common(one: Shape, other: Shape) -> Shape:
    """The shape that both are cases of."""
    if one is None or other is None or len(one) != len(other):
        return None
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


def refine(tensor: Any, shape: Shape) -> None:
    """Tell TensorFlow what is known of the tensor's shape besides."""
    try:
        tensor.set_shape(shape)
    except ValueError:  # they contradict each other: what was inferred from the batch is right
        pass
