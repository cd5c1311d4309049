"""Shapes and types of whatever is given to a layer: tensors, symbolic ones, shapes themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Shape = tuple[int | None, ...]
_MOST = 32


def shapes_of(value: Any) -> tuple[Shape, ...]:
    """The shapes of the tensors in a nest of lists, tuples and dicts, in order; at most 32.

    A tuple of sizes is a shape itself.
    """
    return tuple(shape for _, shape in _leaves(value))[:_MOST]


def dtypes_of(value: Any) -> tuple[str, ...]:
    """The types of the same tensors, such as `float32`; empty strings where they have none."""
    return tuple(dtype for dtype, _ in _leaves(value))[:_MOST]


def shape_of(value: Any) -> Shape | None:
    """The shape of one tensor or array; None where it has none, or its rank is unknown."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return None
    try:
        return tuple(None if size is None else int(size) for size in shape)
    except (TypeError, ValueError):  # of unknown rank
        return None


def fits(declared: Shape, given: Shape) -> bool:
    """Whether a shape is one of those that were declared; None is any size."""
    return len(declared) == len(given) and all(
        want is None or got is None or want == got
        for want, got in zip(declared, given, strict=True)
    )


def class_name(thing: Any) -> str:
    """The class's name."""
    return type(thing).__name__


def is_kind(thing: Any, name: str) -> bool:
    """Whether Keras' class of that name is among the bases: no import, whichever version."""
    return any(
        base.__name__ == name and base.__module__.split(".")[0] == "keras"
        for base in type(thing).__mro__
    )


def _leaves(value: Any) -> Iterator[tuple[str, Shape]]:
    shape = shape_of(value)
    if shape is not None:
        yield _dtype(value), shape
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        if value and all(size is None or type(size) is int for size in value):
            yield "", tuple(value)
        else:
            for item in value:
                yield from _leaves(item)


def _dtype(value: Any) -> str:
    dtype = getattr(value, "dtype", "")
    return str(getattr(dtype, "name", dtype))
