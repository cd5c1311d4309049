"""Asks the checks, each guarded from the others, and writes what they say to the session's log."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gputune.checks.registry import entry
from gputune.checks.script.check import Check, NotRun
from gputune.checks.script.context import Context
from gputune.checks.script.made import Made
from gputune.checks.script.raised import Raised
from gputune.schema.finding import Finding
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_MOST_FINDINGS = 20
"""Of one check: a callback that raises in a thousand ways says enough with these."""


class Runner:
    """The checks that were asked for, and what became of each."""

    def __init__(self, watch: Watch, names: Sequence[str], made: Made) -> None:
        self._watch = watch
        self._active: dict[str, Check] = {}
        self._found: dict[str, list[Finding]] = {}
        for name in names:
            try:
                self._active[name] = entry(name).load()(Context(name, watch, made))
            except Exception as error:  # a check that is broken is one that is not run
                self._not_run(name, f"it could not be loaded: {_said(error)}")

    def ask(self, hook: str, *arguments: Any) -> bool:
        """Call the hook of every check that still works; whether any of them found something."""
        found = False
        for name in list(self._active):
            found = self._ask(name, hook, arguments) or found
        return found

    def ask_about(self, raised: Raised) -> None:
        """Call `failed` of every check; `raised.explained` says what came of it."""
        for name in list(self._active):
            check = self._active[name]
            if self._ask(name, "failed", (raised,)) and check.explains:
                raised.explained = True

    def end(self, reason: str = "") -> None:
        """No more hooks come: `reason` says why not all of them did, where they did not."""
        for name in list(self._active):
            if reason and not self._found.get(name):
                self._not_run(name, reason)
            else:
                self._state(name, "clear")
        self._active.clear()

    def _ask(self, name: str, hook: str, arguments: tuple[Any, ...]) -> bool:
        found = False
        try:
            self._watch.guard.trip(f"check:{name}")
            for finding in getattr(self._active[name], hook)(*arguments) or ():
                found = self._found_one(name, finding) or found
        except NotRun as error:
            self._not_run(name, error.reason)
        except Exception as error:  # a failing check must not take the others with it
            self._not_run(name, f"it failed in {hook}: {_said(error)}")
        return found

    def _found_one(self, name: str, finding: Finding) -> bool:
        """Write a finding; one that says what another has said is passed over."""
        known = self._found.setdefault(name, [])
        if finding in known or len(known) >= _MOST_FINDINGS:
            return True
        known.append(finding)
        self._watch.log.write(events.CHECK_FINDING, check=name, finding=asdict(finding))
        return True

    def _not_run(self, name: str, reason: str) -> None:
        self._active.pop(name, None)
        self._state(name, "not-run", reason)

    def _state(self, name: str, state: str, reason: str = "") -> None:
        self._watch.log.write(events.CHECK_STATE, check=name, state=state, reason=reason[:500])


def _said(error: BaseException) -> str:
    """The error, and the line of ours that it comes from."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({last[0].filename.rsplit('/', 1)[-1]}:{last[0].lineno})" if last else ""
    return f"{type(error).__name__}: {str(error)[:300]}{where}"
