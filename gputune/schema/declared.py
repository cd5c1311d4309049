"""A knob that the script itself declares, as `gputune.knob` was given it."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.schema.config import Value
from gputune.schema.site import Site


@dataclass(frozen=True, kw_only=True)
class DeclaredKnob:
    """One declaration: the name, the script's own value, and what else the script allows.

    `value` is what the script was given back: `default`, or what a configuration says. `choices`
    are all values that are allowed, in their order; `low` and `high` are inclusive bounds, `log`
    says that the steps between them are even in the logarithm. Without either any value of the
    default's type goes.
    """

    name: str
    default: Value
    value: Value = None
    choices: tuple[Value, ...] = ()
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    site: Site | None = None
