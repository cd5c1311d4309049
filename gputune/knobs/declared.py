"""Knobs that the script declares with `gputune.knob`: what each takes, and what a search tries."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gputune.knobs.knob import Domain, Knob, SetArgument, Takes
from gputune.schema.config import DECLARED, Value
from gputune.schema.declared import DeclaredKnob
from gputune.schema.profile import Profile

CALL = "knob"
"""The function `gputune.knob`, as an edit names it."""
MOST_VALUES = 9
"""Ours: so many values of a range are tried at most, ends and middle among them."""
_TIMES = (0.25, 0.5, 1, 2, 4)
"""Ours: around a number without bounds, as around the batch size: powers of two."""


@dataclass(frozen=True, kw_only=True)
class TakesDeclared(Takes):
    """What a declaration allows."""

    declared: DeclaredKnob

    def accepts(self, value: Value) -> bool:
        """Whether the script allows the value."""
        return not unfit(self.declared, value)

    def described(self) -> str:
        """What the script allows, in words."""
        declared = self.declared
        if declared.choices:
            return f"one of {', '.join(map(_shown, declared.choices))}"
        if declared.low is not None:
            return f"from {declared.low} to {declared.high}"
        return f"a value like {_shown(declared.default)}"


def named(name: str) -> Knob:
    """The knob of a setting, by its whole name (`knob.width`), where no declaration is known."""
    return Knob(
        name=name,
        table="knobs",
        takes_effect="process",
        changes="training",
        takes=Takes(anything=True),
        edits=(SetArgument(method=CALL, argument="default", named=name.removeprefix(DECLARED)),),
        domain=lambda _: Domain(reason="the script declares no such knob"),
        always=True,
    )


def knobs_of(profile: Profile) -> tuple[Knob, ...]:
    """The knobs that the script was seen to declare, each name once."""
    found: dict[str, Knob] = {}
    for declared in profile.declared:
        if declared.name not in found:
            found[declared.name] = _knob(declared)
    return tuple(found.values())


def _knob(declared: DeclaredKnob) -> Knob:
    bare = named(f"{DECLARED}{declared.name}")
    values = values_of(declared)
    was = declared.default if declared.value is None else declared.value
    reason = "" if len(values) > 1 else "only its default is known: declare its choices"
    return Knob(
        name=bare.name,
        table=bare.table,
        takes_effect=bare.takes_effect,
        changes=bare.changes,
        takes=TakesDeclared(declared=declared),
        edits=bare.edits,
        domain=lambda _: Domain(values=values if len(values) > 1 else (), was=was, reason=reason),
        always=True,
    )


def values_of(declared: DeclaredKnob) -> tuple[Value, ...]:
    """What a search tries, in order; the default is always among it."""
    default = declared.default
    if declared.choices:
        return declared.choices
    if isinstance(default, bool):
        return (False, True)
    if not isinstance(default, int | float):
        return (default,)
    if declared.low is not None and declared.high is not None:
        return _with(_range(declared), default)
    if default <= 0:
        return (default,)
    around = [default * times for times in _TIMES]
    if isinstance(default, int):
        around = [round(value) for value in around if value >= 1]
    return _with(around, default)


def _range(declared: DeclaredKnob) -> list[int | float]:
    low, high = declared.low, declared.high
    assert low is not None and high is not None
    whole = isinstance(declared.default, int)
    if whole and high - low < MOST_VALUES and not declared.log:
        return list(range(math.ceil(low), math.floor(high) + 1))
    last = MOST_VALUES - 1
    if declared.log:
        found = [low * (high / low) ** (step / last) for step in range(MOST_VALUES)]
    else:
        found = [low + (high - low) * step / last for step in range(MOST_VALUES)]
    found[0], found[-1] = low, high  # not what rounding makes of them
    if whole:
        return [min(max(round(value), math.ceil(low)), math.floor(high)) for value in found]
    # Four digits: what a person would write, and rounding never leaves the bounds.
    return [min(max(float(f"{value:.4g}"), float(low)), float(high)) for value in found]


def _with(values: list[int | float], default: int | float) -> tuple[Value, ...]:
    return tuple(sorted({*values, default}))


def unfit(declared: DeclaredKnob, value: Value) -> str:
    """Why the script cannot be given the value, or nothing."""
    default = declared.default
    if isinstance(value, bool) != isinstance(default, bool):
        return f"{_shown(value)} is no value like {_shown(default)}"
    if isinstance(default, str) != isinstance(value, str) or value is None:
        return f"{_shown(value)} is no value like {_shown(default)}"
    if isinstance(default, int) and isinstance(value, float) and not declared.choices:
        return f"{_shown(value)} is no whole number, as {_shown(default)} is"
    if declared.choices and value not in declared.choices:
        return f"{_shown(value)} is not among {', '.join(map(_shown, declared.choices))}"
    low, high = declared.low, declared.high
    bounded = isinstance(value, int | float) and low is not None and high is not None
    if bounded and not low <= value <= high:  # type: ignore[operator]
        return f"{_shown(value)} does not lie from {low} to {high}"
    return ""


def given(declared: DeclaredKnob, value: Value) -> Value:
    """The value in the type that the script declared: `1` of a file is 1.0 to a float knob."""
    if isinstance(declared.default, float) and type(value) is int:
        return float(value)
    return value


def _shown(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
