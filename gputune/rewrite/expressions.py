"""A setting's value as a Python expression."""

from __future__ import annotations

import math
from typing import Final

from gputune.schema.config import Value

AUTOTUNE: Final = "tf.data.AUTOTUNE"


def expression(knob: str, value: Value) -> str | None:
    """Return the expression of a value as an argument, or None where it is none."""
    if knob in ("prefetch", "num_parallel_calls") and value in ("AUTOTUNE", -1):
        return AUTOTUNE
    if knob == "deterministic":
        return str(value) if isinstance(value, bool) else None
    if knob == "jit_compile":
        return repr(value) if isinstance(value, bool) or value == "auto" else None
    if knob == "learning_rate":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return repr(value) if is_number else None
    return str(value) if is_count(value) else None


def literal_of(value: Value) -> str | None:
    """Return a plain value as Python writes it; None for what is none."""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    return repr(value) if isinstance(value, bool | int | str) else None


def is_count(value: Value) -> bool:
    """Whether the value is an integer of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
