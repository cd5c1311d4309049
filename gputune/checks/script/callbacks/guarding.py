"""Puts a guard around each hook of a callback: what it raises is kept, and training goes on.

The guard is an attribute of the instance, so the class and what `isinstance` says stay as they
are. Keras has looked at the methods (for its own shortcuts) before they are guarded.
"""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable
from typing import Any

from gputune.checks.script.callbacks.facts import HOOKS, SETUP, RaisedIn, Spent
from gputune.checks.script.raised import Raised
from gputune.checks.script.reading import class_name
from gputune.inject.sites import is_user_file
from gputune.schema.site import Site

_STEP_HOOKS = ("on_train_batch_begin", "on_train_batch_end")
_EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end", "on_test_begin", "on_test_end",
                "on_test_batch_begin", "on_test_batch_end")  # fmt: skip
_LONGEST_SOURCE = 4000


class Guarded:
    """One callback under guard."""

    def __init__(self, callback: Any, made: Site | None) -> None:
        self.callback = callback
        self.made = made
        self.raised: dict[str, RaisedIn] = {}
        self.names: tuple[str, ...] = ()
        """The metrics that it was given at an epoch's end, in the order of the first time."""
        self.epochs_ended = 0
        self.spent = Spent(name=class_name(callback))
        self._step = self._epoch = 0.0
        self._broken = False
        self.guards = self._guard()

    def _guard(self) -> bool:
        """Whether the hooks could be guarded: not on an instance without a `__dict__`."""
        try:
            for name in HOOKS:
                original = getattr(self.callback, name, None)
                if callable(original):
                    setattr(self.callback, name, self._around(name, original))
        except Exception:  # __slots__, or a __setattr__ of the user's own
            return False
        return True

    def _around(self, hook: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if self._broken:
                return None
            began = time.perf_counter()
            try:
                return original(*args, **kwargs)
            except Exception as error:  # Ctrl-C and SystemExit are no mistakes of a callback's
                self._note(hook, original, error)
                return None
            finally:
                self._called(hook, args, kwargs, time.perf_counter() - began)

        return guarded

    def _called(self, hook: str, args: Any, kwargs: Any, seconds: float) -> None:
        if hook in _STEP_HOOKS:
            self._step += seconds
            if hook == "on_train_batch_end":
                self.spent.steps.append(self._step)
                self._step = 0.0
        elif hook in _EPOCH_HOOKS:
            self._epoch += seconds
            if hook == "on_epoch_end":
                self.spent.epochs.append(self._epoch)
                self._epoch = 0.0
                self.epochs_ended += 1
                logs = args[1] if len(args) > 1 else kwargs.get("logs")
                self.names = tuple(dict.fromkeys((*self.names, *map(str, logs or ()))))

    def _note(self, hook: str, original: Callable[..., Any], error: Exception) -> None:
        if hook in SETUP:
            self._broken = True
        if hook not in self.raised:
            self.raised[hook] = raised_in(self.callback, hook, original, error, self.made)


def raised_in(
    callback: Any, hook: str, function: Any, error: Exception, made: Site | None
) -> RaisedIn:
    """The plain facts of what a hook raised."""
    raised = Raised(error)
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    own = code is not None and is_user_file(code.co_filename)
    return RaisedIn(
        callback=class_name(callback),
        hook=hook,
        error=raised.kind,
        text=raised.text[:500],
        site=raised.site if own else made or raised.site,
        own=own,
        source=_source(function) if own else "",
        missing_folder=_missing_folder(error),
    )


def _source(function: Any) -> str:
    try:
        return inspect.getsource(function)[:_LONGEST_SOURCE]
    except (OSError, TypeError):
        return ""


def _missing_folder(error: Exception) -> str:
    name = getattr(error, "filename", None)
    if not isinstance(error, FileNotFoundError) or not isinstance(name, str):
        return ""
    folder = os.path.dirname(name)
    return folder if folder and not os.path.isdir(folder) else ""
