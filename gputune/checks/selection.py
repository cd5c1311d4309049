"""What `--only` and `--skip` choose. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from gputune.checks.registry import names


class UnknownCheck(ValueError):
    """A name that no check has; `hint` names the near ones, or all."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no check {name!r}")
        self.what = str(self)
        known = names()
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        self.hint = (
            f"did you mean {' or '.join(near)}?" if near else f"the checks are {', '.join(known)}"
        )


def choose(only: Sequence[str] = (), skip: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of the checks to run, in the registry's order.

    `only` and `skip` are names, or several joined by commas; no `only` means all. Raises
    UnknownCheck for a name that no check has.
    """
    wanted, unwanted = _split(only), _split(skip)
    known = names()
    for name in (*wanted, *unwanted):
        if name not in known:
            raise UnknownCheck(name)
    return tuple(name for name in known if name in (wanted or known) and name not in unwanted)


def _split(given: Sequence[str]) -> tuple[str, ...]:
    parts = (part.strip() for text in given for part in text.split(","))
    return tuple(part for part in parts if part)
