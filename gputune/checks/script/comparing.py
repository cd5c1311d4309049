"""Whether two outputs of a model are the same, and by how much they are not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

ROUNDING = {"float64": 1e-6, "float32": 1e-3, "bfloat16": 1e-1, "float16": 2e-2}
"""Ours, by the type that the model computes in: differences below this share of the largest output
come from another order of additions (a graph is fused, a matrix product of one row is split up
otherwise). It is some thousand times the type's resolution for 32 bits, some ten times for 16."""


@dataclass(frozen=True)
class Difference:
    """Two outputs beside each other.

    `largest` is the largest absolute difference, `scale` the largest magnitude of the first.
    `shapes` says what does not fit together, and then there is no number.
    """

    largest: float = 0.0
    scale: float = 0.0
    shapes: str = ""

    @property
    def relative(self) -> float:
        """`largest` as a share of `scale`; infinite where the shapes differ or a number is none."""
        if self.shapes or math.isnan(self.largest):
            return math.inf
        if self.largest == 0:
            return 0.0
        return self.largest / self.scale if self.scale else math.inf

    def is_more_than_rounding(self, dtype: str) -> bool:
        """Whether it cannot come from rounding, for a model that computes in `dtype`."""
        return self.relative > ROUNDING.get(dtype, ROUNDING["float32"])

    def text(self) -> str:
        """`0.12, where the largest output is 3.4`."""
        if self.shapes:
            return self.shapes
        if math.isnan(self.largest):
            return "one is not a number where the other is"
        return f"by up to {self.largest:.3g}, where the largest output is {self.scale:.3g}"


def numbers(structure: Any) -> list[Any]:
    """The numeric arrays in a structure of tensors, as float64 and in the order of the structure.

    Text is left out; of a ragged tensor the flat values are looked at.
    """
    import numpy as np

    found = []
    for leaf in leaves(structure):
        value = getattr(leaf, "flat_values", leaf)
        array = np.asarray(value.numpy() if hasattr(value, "numpy") else value)
        if array.dtype.kind in "fiub" or array.dtype.name == "bfloat16":
            found.append(array.astype("float64"))
    return found


def leaves(structure: Any) -> Iterator[Any]:
    """What is in nested dicts (by key), lists and tuples."""
    if isinstance(structure, dict):
        for key in sorted(structure):
            yield from leaves(structure[key])
    elif isinstance(structure, (list, tuple)):
        for part in structure:
            yield from leaves(part)
    elif structure is not None:
        yield structure


def difference(first: Sequence[Any], second: Sequence[Any]) -> Difference:
    """The largest difference between two lists of arrays; places where both are NaN are equal."""
    import numpy as np

    if len(first) != len(second):
        return Difference(shapes=f"there are {len(first)} outputs and {len(second)}")
    largest = scale = 0.0
    for one, other in zip(first, second, strict=True):
        if one.shape != other.shape:
            return Difference(shapes=f"the shapes are {one.shape} and {other.shape}")
        finite = one[np.isfinite(one)]
        scale = max(scale, float(np.abs(finite).max()) if finite.size else 0.0)
        if one.size:
            equal = (one == other) | (np.isnan(one) & np.isnan(other))
            with np.errstate(invalid="ignore"):
                apart = np.where(equal, 0.0, np.abs(one - other))
            largest = math.nan if np.isnan(apart).any() else max(largest, float(apart.max()))
            if math.isnan(largest):
                break
    return Difference(largest=largest, scale=scale)
