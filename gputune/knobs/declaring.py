"""`gputune.knob`: a script declares a value of its own to the search.

Standard library and records only, and no state but who answers: outside of gputune nobody does,
and the script keeps its own value.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import TypeVar, cast

from gputune.schema.declared import DeclaredKnob

T = TypeVar("T", bool, int, float, str)
Answer = Callable[[DeclaredKnob, FrameType], object]
"""What the script is to be given for a declaration that it makes in this frame."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
RESERVED = ("call", "was")
"""Keys of every table of gputune.toml; no knob can have their names."""
_KINDS = (bool, int, float, str)

_answer: Answer | None = None
_asked: dict[str, DeclaredKnob] = {}


def knob(
    name: str, default: T, *, choices: Sequence[T] | None = None, low: T | None = None,
    high: T | None = None, log: bool = False,
) -> T:  # fmt: skip
    """Declare a value of the script's own to gputune: `batch = gputune.knob("batch_size", 32)`.

    Outside of gputune it returns `default`. Under `gputune tune` it is searched: over `choices`,
    or from `low` to `high` (inclusive, both needed), with `log` in even ratios. Under
    `run --config` and `profile --config`, and after `gputune.Config.load(…).apply()`, it returns
    what the table `[knobs]` of that gputune.toml says. A process that the script spawns gets the
    default.

    Raises TypeError or ValueError for a declaration that cannot be meant: a name that is none, a
    default that is not among the choices or outside of the bounds.
    """
    declared = declaration(name, default, choices=choices, low=low, high=high, log=log)
    value = default if _answer is None else cast(T, _answer(declared, sys._getframe(1)))
    _asked[name] = replace(declared, value=value)
    return value


def declaration(
    name: str, default: object, *, choices: Sequence[object] | None = None,
    low: object = None, high: object = None, log: bool = False,
) -> DeclaredKnob:  # fmt: skip
    """The declaration as a record; raises TypeError or ValueError as `knob` does."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in RESERVED:
        raise ValueError(
            f"a knob cannot be named {str(name)[:80]!r}: a letter, then letters, digits, _ . or -"
        )
    allowed = tuple(choices or ())
    for value in (default, *allowed, *(bound for bound in (low, high) if bound is not None)):
        if type(value) not in _KINDS:
            raise TypeError(f"knob {name!r}: {value!r:.80} is no bool, int, float or str")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"knob {name!r}: {value} is no finite number")
    declared = DeclaredKnob(
        name=name, default=default, choices=allowed, low=low, high=high, log=log  # type: ignore[arg-type]
    )  # fmt: skip
    _check_bounds(declared)
    return declared


def _check_bounds(declared: DeclaredKnob) -> None:
    name, default = declared.name, declared.default
    low, high = declared.low, declared.high
    if declared.choices and (low is not None or high is not None):
        raise ValueError(f"knob {name!r}: give choices, or low and high, not both")
    if declared.choices and not any(_same(default, one) for one in declared.choices):
        raise ValueError(f"knob {name!r}: its default {default!r} is not among its choices")
    if (low is None) != (high is None):
        raise ValueError(f"knob {name!r}: low and high go together")
    if low is None or high is None:
        if declared.log:
            raise ValueError(f"knob {name!r}: log needs low and high")
        return
    numbers = (default, low, high)
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers):
        raise TypeError(f"knob {name!r}: low and high are for numbers")
    if not low <= default <= high or low == high:  # type: ignore[operator]
        raise ValueError(f"knob {name!r}: its default {default!r} does not lie from low to high")
    if declared.log and low <= 0:
        raise ValueError(f"knob {name!r}: with log, low is above 0")


def _same(first: object, second: object) -> bool:
    return isinstance(first, bool) == isinstance(second, bool) and first == second


def answer_with(answer: Answer | None) -> None:
    """From now on this says what a declaration returns; None: its default."""
    global _answer
    _answer = answer


def answering() -> Answer | None:
    """Who answers now."""
    return _answer


def asked() -> frozenset[str]:
    """The names that the script has asked for so far: their values cannot change any more."""
    return frozenset(_asked)


def declarations() -> tuple[DeclaredKnob, ...]:
    """What the script has declared so far, each name once, with the value that it was given."""
    return tuple(_asked.values())
