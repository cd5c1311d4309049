"""Whether a call of the running script is the one that a configuration names.

By file, line and the line's text. Where the source has changed since, the line is found again by
its text, if that stands in the file once.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from gputune.schema.secrets import redact
from gputune.schema.site import Frame, Site

_LABEL = re.compile(r"\.?(\w+)\((.*)\)", re.DOTALL)
_LONGEST = 300
"""So much of a line a call's site holds; see `inject/sites`."""


class Lines:
    """Compares calls with lines; remembers where each line is now."""

    def __init__(self) -> None:
        self._now: dict[tuple[str, int, str], int | str] = {}

    def same_call(self, wanted: Site, found: dict[str, Any]) -> bool | str:
        """Whether the call (a site as `inject/sites` gives it) is the wanted one.

        A reason where the file is the wanted one and its line cannot be told.
        """
        callers: Sequence[dict[str, Any]] = found.get("via") or ()
        if len(callers) < len(wanted.via):
            return False
        # The callers first: only the call that they lead to is worth a reason.
        for frame, caller in zip(wanted.via, callers, strict=False):
            if self._same_line(frame, caller) is not True:
                return False
        return self._same_line(wanted, found)

    def _same_line(self, wanted: Site | Frame, found: dict[str, Any]) -> bool | str:
        if not _same_file(wanted.file, found["file"]):
            return False
        now = self._line_now(found["file"], wanted.line, wanted.code)
        return now if isinstance(now, str) else now == found["line"]

    def _line_now(self, file: str, line: int, code: str) -> int | str:
        key = (file, line, code)
        if key not in self._now:
            self._now[key] = _find(file, line, code)
        return self._now[key]


def _find(file: str, line: int, code: str) -> int | str:
    if not code:
        return line
    texts = [redact(text.strip()[:_LONGEST]) for text in linecache.getlines(file)]
    if 0 < line <= len(texts) and texts[line - 1] == code:
        return line
    places = [number for number, text in enumerate(texts, 1) if text == code]
    if len(places) == 1:
        return places[0]
    name = os.path.basename(file)
    if not places:
        return f"{name} has no line «{code[:80]}» any more"
    return f"{name} has changed: «{code[:80]}» stands in it {len(places)} times"


def _same_file(wanted: str, found: str) -> bool:
    """Whether the path names the file; one of another machine does by its name."""
    if wanted == found or os.path.realpath(wanted) == os.path.realpath(found):
        return True
    if os.path.exists(wanted):
        return False
    return os.path.basename(wanted) == os.path.basename(found)


def fits_stage(stage: str, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call is the one that a stage's label names: `.map(decode)`.

    By the method, and by the function's name where it is given one; other arguments may change.
    """
    label = _LABEL.fullmatch(stage)
    if label is None or label[1] != method:
        return False
    given: list[Callable[..., Any]] = [
        value
        for value in (*args, *kwargs.values())
        if callable(value) and not hasattr(value, "element_spec")
    ]
    if not given:
        return True
    name = getattr(given[0], "__name__", type(inspect.unwrap(given[0])).__name__)
    return redact(f".{method}({name})") == f".{method}({label[2]})"


def last_method(code: str) -> str | None:
    """The method that a line of code calls last, `prefetch` in `x = ds.map(f).prefetch(2)`.

    None where the line alone is no complete statement, or calls none.
    """
    text = code.strip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an odd escape in the user's line
        try:
            tree = ast.parse(f"_{text}" if text.startswith(".") else text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    statement = tree.body[0] if len(tree.body) == 1 else None
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return value.func.attr
    return None
