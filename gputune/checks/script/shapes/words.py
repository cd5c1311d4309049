"""Shapes and layers in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gputune.checks.script.reading import Shape
from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.parts import Part, Wants


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong in one sentence, and what cures it in one or two."""

    title: str
    remedy: str
    id: str = "shape-mismatch"


def shown(shape: Shape | Sequence[int | None]) -> str:
    """`(None, 28, 28)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def called(part: Part) -> str:
    """``the Conv2D layer `first` ``."""
    return f"the {part.kind} layer `{part.name}`"


def first_upper(text: str) -> str:
    """With a capital at its beginning, the rest as it is."""
    return text[:1].upper() + text[1:]


def wanted(wants: Wants) -> str:
    """`4 axes`, `at least 2 axes`, `784 at its last axis`."""
    said = []
    if wants.ndim is not None:
        said.append(axes(wants.ndim))
    elif wants.min_ndim is not None:
        said.append(f"at least {axes(wants.min_ndim)}")
    if wants.max_ndim is not None:
        said.append(f"at most {axes(wants.max_ndim)}")
    said += [f"{size} at {axis_name(axis)}" for axis, size in wants.axes.items()]
    return ", ".join(said)


def axes(count: int) -> str:
    """`1 axis`, `4 axes`."""
    return "1 axis" if count == 1 else f"{count} axes"


def axis_name(axis: int) -> str:
    """`its last axis`, `axis 2`."""
    return "its last axis" if axis == -1 else f"axis {axis}"


def giver(facts: Facts) -> str:
    """Who gives the input: a layer, or the data."""
    return called(facts.by) if facts.by is not None else "the data"
