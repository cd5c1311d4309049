"""The table of a model's layers, as they were built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gputune.checks.script.reading import Shape, class_name, is_kind, shapes_of
from gputune.schema.check import LayerRow

_DEEPEST = 4
_MOST = 2000


def table(model: Any) -> tuple[LayerRow, ...]:
    """A row for each layer, in the model's order, those of a model inside of it after it."""
    return tuple(row for row, _ in zip(_rows(model, 0), range(_MOST), strict=False))


def _rows(model: Any, depth: int) -> Iterator[LayerRow]:
    for layer in getattr(model, "layers", None) or ():
        yield LayerRow(
            name=str(layer.name),
            kind=class_name(layer),
            output_shapes=output_shapes(layer),
            parameters=_parameters(layer),
            trainable=bool(getattr(layer, "trainable", True)),
            depth=depth,
        )
        if is_kind(layer, "Model") and depth < _DEEPEST:
            yield from _rows(layer, depth + 1)


def output_shapes(layer: Any) -> tuple[Shape, ...]:
    """The shapes of a layer's outputs, their batch axis free; empty where it does not tell.

    A layer of a functional model has symbolic outputs. One that was only ever called on data has
    none, and a layer that is shared has several calls.
    """
    try:
        shapes = shapes_of(layer.output)
    except Exception:  # never called on a symbolic tensor, or more than once
        return ()
    return tuple((None, *shape[1:]) if shape else shape for shape in shapes)


def _parameters(layer: Any) -> int | None:
    try:
        return int(layer.count_params())
    except Exception:  # a layer that was never built
        return None
