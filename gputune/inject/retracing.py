"""Which `tf.function` is traced, and what it was called with when it was traced again.

A call costs two looks at the function's own count of its traces; anything more only where that
has changed. What one function traces inside another's trace is not looked at.
"""

from __future__ import annotations

import linecache
import os
import sys
import time
import weakref
from collections import deque
from dataclasses import dataclass, field
from types import CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.arguments import Described, describe, nearest_difference
from gputune.inject.patching import patch
from gputune.inject.sites import call_site, is_user_file
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

HOOK = "retracing"
_REMEMBERED = 8
_EACH_WRITTEN = 64
"""From so many tracings of one code on, only every so-manieth is written."""
_LONGEST_DECORATION = 20


@dataclass
class _Object:
    """One `tf.function`: its number, and what its latest traces were made for."""

    number: int
    calls: deque[Described] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))


@dataclass
class _Code:
    """All that was made from one piece of Python code (a method is one for each instance)."""

    objects: int = 0
    total: int = 0


class Tracings:
    """Counts and describes."""

    def __init__(self, tf: ModuleType, watch: Watch) -> None:
        self._executing_eagerly = tf.executing_eagerly
        self._watch = watch
        self._objects: weakref.WeakKeyDictionary[Any, _Object] = weakref.WeakKeyDictionary()
        self._codes: dict[Any, _Code] = {}

    def traced(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A call of `function` that is over has traced it."""
        if not self._executing_eagerly():
            return
        python_function = getattr(function, "python_function", None)
        code = _code_of(python_function)
        of_code = self._codes.setdefault(code or type(python_function), _Code())
        this = self._objects.get(function)
        if this is None:
            of_code.objects += 1
            this = self._objects[function] = _Object(of_code.objects)
        of_code.total += 1
        now = describe(python_function, args, kwargs)
        changed = nearest_difference(this.calls, now)
        this.calls.append(now)
        if of_code.total > _EACH_WRITTEN and of_code.total % _EACH_WRITTEN:
            return
        # Frames: traced <- Guard.run <- called <- the hooked method <- the caller.
        own = code is not None and is_user_file(code.co_filename)
        self._watch.log.write(
            events.FUNCTION_TRACED,
            t=time.perf_counter(),
            function=code.co_qualname if code is not None else type(python_function).__name__,
            object=this.number,
            objects=of_code.objects,
            total=of_code.total,
            changed=changed,
            site=_site(code if own else None, sys._getframe(1)),
            user=own,
        )


def watch(tf: ModuleType, watch: Watch) -> None:
    """Hook the call of what `tf.function` makes."""
    kind = type(tf.function(lambda: None))
    if not hasattr(kind, "experimental_get_tracing_count"):
        return
    guard = watch.guard
    tracings = Tracings(tf, watch)

    def count(function: Any) -> int:
        try:
            return int(function.experimental_get_tracing_count())
        except Exception as error:
            guard.failed(HOOK, error)
            return 0

    def called(original: Any, function: Any, args: Any, kwargs: Any) -> Any:
        if not guard.enabled(HOOK):
            return original(*args, **kwargs)
        before = count(function)
        result = original(*args, **kwargs)
        if count(function) != before:
            guard.run(HOOK, tracings.traced, function, args, kwargs)
        return result

    patch(kind, "__call__", called)


def _code_of(function: Any) -> CodeType | None:
    """The code of the function that a user wrote, below decorators, methods and partials."""
    for _ in range(_LONGEST_DECORATION):
        inner = (
            getattr(function, "__wrapped__", None)
            or getattr(function, "__func__", None)
            or getattr(function, "func", None)
        )
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _site(code: CodeType | None, frame: FrameType) -> dict[str, Any] | None:
    """Where the user's function stands, with the lines that called it; else those lines alone."""
    called = call_site(frame)
    if code is None:
        return called
    line = _line_of_def(code)
    via = [] if called is None else [{k: called[k] for k in _FRAME}, *called["via"]]
    return {
        "file": os.path.abspath(code.co_filename),
        "line": line,
        "function": code.co_name,
        "code": linecache.getline(code.co_filename, line).strip()[:300],
        "via": via[:6],
    }


_FRAME = ("file", "line", "function", "code")


def _line_of_def(code: CodeType) -> int:
    """The line of `def`: Python counts a function from its first decorator."""
    first = code.co_firstlineno
    for line in range(first, first + _LONGEST_DECORATION):
        text = linecache.getline(code.co_filename, line).lstrip()
        if text.startswith(("def ", "async def ")) or "lambda" in text:
            return line
    return first
