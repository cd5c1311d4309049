"""What a knob is: data over five edits, which three interpreters understand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gputune.knobs.machine import Machine
from gputune.schema.config import Setting, Value
from gputune.schema.profile import Profile
from gputune.schema.site import Site

TakesEffect = Literal["process", "pipeline", "fit"]
Changes = Literal["nothing", "order", "rounding", "training"]
Table = Literal["tf_data", "policy", "knobs"]
Words = tuple[tuple[Value, Value], ...]
"""Values of a knob that an argument spells otherwise, as (value, argument)."""

AUTOTUNE = "AUTOTUNE"
NONE = "none"
AUTOTUNED: Words = ((AUTOTUNE, -1),)
"""`tf.data.AUTOTUNE` is -1."""


@dataclass(frozen=True, kw_only=True)
class SetArgument:
    """Give a call an argument: of `map`, of `compile`, of an optimizer, and so on.

    `method` is the name of the function or method that is called; `optimizer` stands for the
    constructor of any optimizer of Keras', `PyDataset` for the attribute of one. The value is the
    setting's, spelled by `words`, or always `fixed` where that is not None. A setting without a
    line concerns each such call of the script, or with `last` the last one before the model, or
    with `named` those whose first argument is this text (`gputune.knob`).
    """

    method: str
    argument: str
    words: Words = ()
    fixed: Value = None
    last: bool = False
    named: str = ""


@dataclass(frozen=True, kw_only=True)
class InsertCall:
    """Put a call into the pipeline: `last` is its end, `behind` right behind the setting's line.

    A call of the same method that stands there already is given the argument instead, and is left
    out for the value `absent`. With the value `to_device` the call is
    `tf.data.experimental.prefetch_to_device`. Calls of the methods `moves` that stand above the
    place move behind it, as `moving.py` says.
    """

    method: str
    argument: str
    place: Literal["last", "behind"]
    words: Words = ()
    absent: Value = None
    to_device: Value = None
    moves: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SetOption:
    """Set an option of `tf.data.Options`, by its dotted name, on the pipeline's end."""

    option: str


@dataclass(frozen=True, kw_only=True)
class SetEnvironment:
    """Start the process with an environment variable; a value that is not listed leaves it."""

    variable: str
    values: tuple[tuple[Value, str], ...]


@dataclass(frozen=True, kw_only=True)
class SetPolicy:
    """Set a policy of the process before the model is built: `dtype`, Keras' global one."""

    what: Literal["dtype"]


Edit = SetArgument | InsertCall | SetOption | SetEnvironment | SetPolicy


@dataclass(frozen=True, kw_only=True)
class Takes:
    """Which values a knob takes."""

    words: tuple[str, ...] = ()
    truth: bool = False
    """`true` and `false`."""
    least: int | None = None
    """Integers from here on; None: no integer."""
    positive: bool = False
    """Finite numbers above zero."""
    path: bool = False
    """Any other text with a `/` in it, as the path of a file."""
    anything: bool = False
    """Any plain value: what the script itself declares says which."""

    def accepts(self, value: Value) -> bool:
        """Whether the knob takes this value."""
        if self.anything:
            return _is_plain(value)
        if isinstance(value, bool):
            return self.truth
        if isinstance(value, int) and self.least is not None:
            return self.least <= value < 2**63
        if isinstance(value, int | float) and self.positive:
            return 0 < value < math.inf
        if isinstance(value, str):
            return value in self.words or (self.path and "/" in value and "\0" not in value)
        return False

    def described(self) -> str:
        """The values in words: `an integer of at least 1, or "AUTOTUNE"`."""
        kinds = ["true, false, a finite number or text"] if self.anything else []
        if self.truth:
            kinds.append("true or false")
        if self.least is not None:
            kinds.append(f"an integer of at least {self.least}")
        if self.positive:
            kinds.append("a number above 0")
        kinds += [f'"{word}"' for word in self.words]
        if self.path:
            kinds.append("the path of a file, with a / in it")
        return kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} or {kinds[-1]}"


def _is_plain(value: Value) -> bool:
    if isinstance(value, int):  # a bool, too
        return -(2**63) <= value < 2**63
    return isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))


@dataclass(frozen=True, kw_only=True)
class Place:
    """One call that a knob can be turned at by itself; `was` is its value now."""

    site: Site
    stage: str
    was: Value = None


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The values to try for one profile, in order.

    `places` are the calls at which the knob is turned, each by itself; empty for a knob that is
    turned once. `values` is empty where there is nothing to try, and `reason` says why; `withheld`
    says why single values are not among them. With `holds` the user may hold a value although
    there is nothing to try.
    """

    values: tuple[Value, ...] = ()
    was: Value = None
    places: tuple[Place, ...] = ()
    reason: str = ""
    withheld: Mapping[Value, str] = field(default_factory=dict)
    holds: bool = False


def nothing_first(_: Profile) -> tuple[Setting, ...]:
    """No value to try without a measurement."""
    return ()


def works_everywhere(_: Value, __: Machine) -> str:
    """Every machine supports every value."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One setting.

    `takes_effect` says what has to be made anew for it, `changes` what it changes in the
    training, `addresses` the ids of the findings that it can help, `edits` how a value is put
    in. `first_values` are the settings to try first for a profile, before any search, `domain`
    all that a search may try. `unsupported` says why a machine cannot have a value, or nothing.
    """

    name: str
    table: Table
    takes_effect: TakesEffect
    changes: Changes
    takes: Takes
    edits: tuple[Edit, ...]
    domain: Callable[[Profile], Domain]
    addresses: tuple[str, ...] = ()
    first_values: Callable[[Profile], tuple[Setting, ...]] = nothing_first
    unsupported: Callable[[Value, Machine], str] = works_everywhere
    always: bool = False
    """Whether every study has it, whatever the findings say."""
    needs_site: bool = False
    """Whether a setting must name its call."""
    reported_as: str = ""
    """Its name in `Profile.config` where that is another."""

    def in_force(self, profile: Profile) -> Value:
        """The value that a run showed, or None."""
        return profile.setting(self.reported_as or self.name)
