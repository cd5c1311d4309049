"""Layers and models as plain data: what they are called, what they want, what they were built for.

What another version of Keras does not have is left empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gputune.checks.script.reading import Shape, class_name, fits, is_kind, shapes_of

_SETTINGS = (
    "activation", "axes", "axis", "data_format", "filters", "groups", "input_dim", "kernel_size",
    "output_dim", "padding", "pool_size", "return_sequences", "strides", "target_shape", "units",
)  # fmt: skip


@dataclass(frozen=True)
class Wants:
    """An `InputSpec` of Keras: what a layer asks of an input; None is any."""

    ndim: int | None = None
    min_ndim: int | None = None
    max_ndim: int | None = None
    axes: Mapping[int, int] = field(default_factory=dict)
    """Sizes of axes, by their number (-1 is the last)."""


@dataclass(frozen=True)
class Part:
    """A layer, a model, a loss or a metric."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelFacts:
    """The outermost model at work when the error came."""

    part: Part
    declared: tuple[Shape, ...] = ()
    """The shapes of its inputs as it was built, None for a free size; empty: not known before."""
    given: tuple[Shape, ...] = ()
    input_names: tuple[str, ...] = ()
    last: Part | None = None
    """Its last layer, where it has one."""

    @property
    def is_given_its_inputs(self) -> bool:
        """Whether what it is given fits what it was built for."""
        return len(self.declared) == len(self.given) and all(map(fits, self.declared, self.given))


def part_of(layer: Any) -> Part:
    """A layer as plain data: its name, its class, and the settings that bear on shapes."""
    settings = {}
    for name in _SETTINGS:
        try:
            value = getattr(layer, name, None)
        except Exception:  # a property of the user's own
            continue
        if callable(value):
            value = getattr(value, "__name__", None)
        if isinstance(value, (int, str, tuple, list)):
            settings[name] = tuple(value) if isinstance(value, list) else value
    return Part(name_of(layer), class_name(layer), settings)


def declared_of(model: Any) -> tuple[Shape, ...]:
    """The shapes of the symbolic inputs; of a Sequential those that were written, not found.

    A Sequential without an `Input` is built from the first data: nothing was declared then.
    """
    try:
        # The first data's batch size, which some models have seen, binds nobody.
        return tuple((None, *shape[1:]) for shape in shapes_of(model.inputs))
    except Exception:  # a subclassed model, or one that is not built
        return ()


def input_names(model: Any) -> tuple[str, ...]:
    """The names of the symbolic inputs, in their order; empty where there are none."""
    try:
        return tuple(str(one.name) for one in model.inputs)
    except Exception:  # as above
        return ()


def layers_of(model: Any) -> list[Any]:
    """The model's layers and theirs, without inputs."""
    found: list[Any] = []
    for layer in getattr(model, "layers", None) or ():
        if class_name(layer) != "InputLayer":
            found.append(layer)
            if is_kind(layer, "Model"):
                found[-1:] = [layer, *layers_of(layer)]
    return found


def wants_of(layer: Any) -> tuple[Wants, ...]:
    """What a layer asks of each of its inputs; empty where it has no specification."""
    try:
        specs = layer.input_spec
    except Exception:  # as above
        return ()
    found = []
    for spec in specs if isinstance(specs, (list, tuple)) else (specs,):
        if spec is None:
            continue
        shape = getattr(spec, "shape", None)
        axes = {int(k): int(v) for k, v in (getattr(spec, "axes", None) or {}).items() if v}
        if shape is not None:
            axes |= {i: int(n) for i, n in enumerate(shape) if n is not None and i}
        found.append(
            Wants(
                ndim=len(shape) if shape is not None else getattr(spec, "ndim", None),
                min_ndim=getattr(spec, "min_ndim", None), max_ndim=getattr(spec, "max_ndim", None),
                axes=axes,
            )
        )  # fmt: skip
    return tuple(found)


def name_of(thing: Any) -> str:
    """The name that Keras gave it, or its class's."""
    return str(getattr(thing, "name", "") or class_name(thing))
