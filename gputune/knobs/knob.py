"""What a knob is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gputune.schema.config import Setting
from gputune.schema.profile import Profile

TakesEffect = Literal["process", "pipeline", "fit"]
Changes = Literal["nothing", "order", "rounding", "training"]
Table = Literal["tf_data", "policy"]


@dataclass(frozen=True, kw_only=True)
class SetArgument:
    """Give a recorded call an argument: of `map`, of `compile` and so on."""

    method: str
    argument: str


@dataclass(frozen=True, kw_only=True)
class InsertCall:
    """Put a call into the pipeline: `last` is its end, `behind` right behind the setting's line."""

    method: str
    argument: str
    place: Literal["last", "behind"]


Edit = SetArgument | InsertCall


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One setting.

    `takes_effect` says what has to be made anew for it, `changes` what it changes in the
    training, `addresses` the ids of the findings that it can help, `edits` how a value is put
    in. `first_values` are the settings to try first for a profile, before any search.
    """

    name: str
    table: Table
    takes_effect: TakesEffect
    changes: Changes
    addresses: tuple[str, ...]
    edits: tuple[Edit, ...]
    first_values: Callable[[Profile], tuple[Setting, ...]]
