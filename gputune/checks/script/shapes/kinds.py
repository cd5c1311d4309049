"""Layers of a kind, by the arguments that they have: merging, reshaping, convolving, pooling."""

from __future__ import annotations

import math

from gputune.checks.script.reading import Shape
from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.words import Diagnosis, called, first_upper, shown

_ELEMENTWISE = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
_ATTENTION = ("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention")
_TOO_SMALL = ("zero or negative", "<= 0", "Negative dimension", "negative")


def diagnose(facts: Facts) -> Diagnosis | None:
    """What is wrong at a layer of a known kind."""
    if facts.stage not in ("layer", "graph"):
        return None
    kind = facts.part.kind
    if kind in _ELEMENTWISE:
        return _elementwise(facts)
    if kind == "Concatenate":
        return _concatenate(facts)
    if kind == "Dot":
        return _dot(facts)
    if kind in _ATTENTION and len(facts.given) != 1:
        return _attention(facts)
    if kind == "Reshape":
        return _reshape(facts)
    if any(words in facts.text for words in _TOO_SMALL) and ("Conv" in kind or "Pool" in kind):
        return _too_small(facts)
    groups = facts.part.settings.get("groups")
    if "Conv" in kind and isinstance(groups, int) and groups > 1:
        return _groups(facts, groups)
    return None


def _both(facts: Facts) -> str:
    return " and ".join(map(shown, facts.given[:4]))


def _elementwise(facts: Facts) -> Diagnosis:
    differ = _different_axes(facts.given)
    where = f" They differ at axis {', '.join(map(str, differ))}." if differ else ""
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} gets {_both(facts)}, which do not fit together.",
        remedy="All its inputs want the same shape: bring them to it with a Dense of as many "
        f"units, or for pictures a Conv2D with kernel_size=1 and the same strides.{where}",
    )


def _concatenate(facts: Facts) -> Diagnosis:
    axis = facts.part.settings.get("axis", -1)
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} gets {_both(facts)}.",
        remedy=f"All axes but the axis {axis} must be equal: use the same strides and "
        "padding='same' on both ways, or UpSampling2D, Cropping2D or ZeroPadding2D on one; or "
        "name another axis.",
    )


def _dot(facts: Facts) -> Diagnosis:
    axes = facts.part.settings.get("axes")
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} multiplies {_both(facts)} along axes={axes}.",
        remedy="The two axes named in `axes` must have the same size: give both inputs as many "
        "units, or name other axes.",
    )


def _attention(facts: Facts) -> Diagnosis:
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} gets {_both(facts)}.",
        remedy="Query and key must agree in their last axis, and key and value in the one before: "
        "bring them to one width with a Dense.",
    )


def _reshape(facts: Facts) -> Diagnosis:
    target = facts.part.settings.get("target_shape", ())
    target = target if isinstance(target, tuple) else ()
    got = facts.given[0] if facts.given else ()
    count = math.prod(size for size in got[1:] if size is not None)
    free = "use -1 for one of the sizes"
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} cannot make {shown(target)} of {shown(got)}.",
        remedy=f"Each sample has {count} values, and {shown(target)} wants "
        f"{abs(math.prod(target)) if target else 'others'}: name sizes whose product is {count}, "
        f"or {free}.",
    )


def _too_small(facts: Facts) -> Diagnosis:
    settings = facts.part.settings
    size = settings.get("pool_size", settings.get("kernel_size"))
    got = facts.given[0] if facts.given else ()
    what = "pool" if "pool_size" in settings else "kernel"
    shape = shown(size) if isinstance(size, tuple) else str(size)
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} has nothing left to work on: its {what} of "
        f"{shape} is larger than its input {shown(got)}.",
        remedy=f"Give it a smaller {what} or padding='same', leave out one of the poolings or "
        "strides before it, or feed larger inputs.",
    )


def _groups(facts: Facts, groups: int) -> Diagnosis:
    got = facts.given[0] if facts.given else ()
    channels = got[-1] if got else None
    filters = facts.part.settings.get("filters")
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} has groups={groups}, and its input has "
        f"{channels} channels.",
        remedy=f"Both the input's channels ({channels}) and the filters ({filters}) must be "
        f"multiples of the groups: groups=1, or another number of channels before it.",
    )


def _different_axes(shapes: tuple[Shape, ...]) -> list[int]:
    """The axes (but the batch) at which shapes of equal rank differ."""
    ranks = {len(shape) for shape in shapes}
    if len(ranks) != 1:
        return []
    return [axis for axis in range(1, ranks.pop()) if len({shape[axis] for shape in shapes}) > 1]
