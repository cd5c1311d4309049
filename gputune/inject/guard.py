"""A hook that fails disables itself, says so once, and the script goes on."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from gputune.session import events
from gputune.session.log import EventLog

P = ParamSpec("P")
T = TypeVar("T")


class InjectedFault(RuntimeError):
    """Raised by a hook on purpose, by the test-only switch `break_hook`."""


class Guard:
    """Knows which hooks still work, and runs each so that its failure stays its own."""

    def __init__(self, log: EventLog, *, break_hook: str | None = None) -> None:
        self._log = log
        self._break_hook = break_hook
        self._disabled: set[str] = set()
        self._all_disabled = False

    def enabled(self, hook: str) -> bool:
        """Whether the hook has not failed (and this process is not a fork)."""
        return not self._all_disabled and hook not in self._disabled

    @property
    def works(self) -> bool:
        """Whether any hook may still work: not in a forked process, nor on a full disk."""
        return not self._all_disabled

    def disable_all(self) -> None:
        """Make every hook a no-op, for a forked process."""
        self._all_disabled = True

    def run(self, hook: str, function: Callable[..., T], *args: Any) -> T | None:
        """Call `function(*args)` for the hook; None where it fails or is disabled."""
        if self._all_disabled or hook in self._disabled:
            return None
        try:
            self.trip(hook)
            return function(*args)
        except Exception as error:  # the user's script must not notice any failure of ours
            self.failed(hook, error)
            return None

    def trip(self, hook: str) -> None:
        """Raise InjectedFault where the hook was told to fail: by names or patterns, `a,b:*`."""
        if self._break_hook is None:
            return
        if any(fnmatch.fnmatchcase(hook, broken) for broken in self._break_hook.split(",")):
            raise InjectedFault(f"the hook {hook!r} was told to fail")

    def wrap(self, hook: str, function: Callable[P, T]) -> Callable[P, T | None]:
        """`function` as a hook, for callers that only take a callable."""

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T | None:
            return self.run(hook, functools.partial(function, *args, **kwargs))

        return guarded

    def failed(self, hook: str, error: BaseException) -> None:
        """Disable the hook and write it to the session, once."""
        if hook in self._disabled:
            return
        self._disabled.add(hook)
        try:
            self._log.write(
                events.HOOK_DISABLED, hook=hook, error=f"{type(error).__name__}: {error}"[:500]
            )
        except OSError:
            # A full disk: nothing can be said any more, and the script still goes on.
            self._all_disabled = True
