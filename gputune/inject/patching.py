"""Replace a function by a hooked one that looks, pickles and documents like the original."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

Hook = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def patch(owner: Any, name: str, hook: Hook) -> None:
    """Make `owner.name` run `hook(original, instance, args, kwargs)`.

    `owner` is a class or a module; `original` is already bound to `instance` (None for a function
    and a static method). An attribute that the owner does not have is left alone, since versions
    of TensorFlow and Keras differ.

    Plain functions, not wrapt's proxies: AutoGraph prints a warning for each of those that a
    dataset's function calls, which the script would not have printed.
    """
    raw = vars(owner).get(name, getattr(owner, name, None))
    if raw is None:
        return
    if isinstance(raw, staticmethod) or not isinstance(owner, type):
        function = raw.__func__ if isinstance(raw, staticmethod) else raw

        @functools.wraps(function)
        def hooked(*args: Any, **kwargs: Any) -> Any:
            try:
                return hook(function, None, args, kwargs)
            except BaseException as error:
                hide_our_frames_at_the_end()
                raise without_our_frames(error)  # noqa: B904 - the same exception

        setattr(owner, name, staticmethod(hooked) if isinstance(raw, staticmethod) else hooked)
        return
    if isinstance(raw, (classmethod, property)):
        return

    @functools.wraps(raw)
    def hooked_method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return hook(functools.partial(raw, self), self, args, kwargs)
        except BaseException as error:
            hide_our_frames_at_the_end()
            raise without_our_frames(error)  # noqa: B904 - the same exception

    setattr(owner, name, hooked_method)


def caller() -> FrameType | None:
    """The frame outside the hook that calls this (the hook itself is skipped)."""
    return sys._getframe(2)


def without_our_frames(error: BaseException) -> BaseException:
    """The exception with gputune's frames taken out of its traceback.

    So that what the user reads (and what `filter_traceback` of Keras sees) is their own code and
    the library's. The frame that re-raises is added again by Python;
    `hide_our_frames_at_the_end` does the rest where the exception reaches the top.
    """
    error.__traceback__ = _strip(error.__traceback__)
    return error


def _strip(traceback: TracebackType | None) -> TracebackType | None:
    kept = None
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    for item in reversed(frames):
        name = item.tb_frame.f_globals.get("__name__", "")
        if name.startswith(("gputune.inject", "gputune.checks")):
            continue
        item.tb_next = kept
        kept = item
    return kept


_excepthook_set = False


def hide_our_frames_at_the_end() -> None:
    """Print an uncaught exception without gputune's frames.

    Set only once an exception has passed through a hook, so that a script without one keeps the
    interpreter's own `sys.excepthook`.
    """
    global _excepthook_set
    if _excepthook_set:
        return
    _excepthook_set = True
    original = sys.excepthook

    def excepthook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        link: BaseException | None = error
        seen: set[int] = set()
        while link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = _strip(link.__traceback__)
            link = link.__cause__ or link.__context__
        original(kind, error, error.__traceback__)

    sys.excepthook = excepthook
