"""The error that a script ends with: its frames, and the user's line that led to it."""

from __future__ import annotations

import linecache
import os
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any

from gputune.inject.sites import is_user_file
from gputune.schema.site import Frame, Site

_MOST_VIA = 6
_LONGEST = 2000


@dataclass(frozen=True)
class RaisedFrame:
    """One frame of the traceback: `instance` is its `self`, `variables` its local ones."""

    function: str
    file: str
    line: int
    variables: Mapping[str, Any]

    @property
    def instance(self) -> Any:
        """What the method belongs to; None for a function."""
        return self.variables.get("self")


class Raised:
    """An error on its way to the top of the script.

    `steps` counts the training steps made until then, `explained` says whether a check before this
    one has said what is wrong.
    """

    def __init__(self, error: BaseException, steps: int = 0) -> None:
        self.error = error
        self.steps = steps
        self.explained = False

    @property
    def kind(self) -> str:
        """The class's name: `ValueError`."""
        return type(self.error).__name__

    @cached_property
    def text(self) -> str:
        """The message, at most 2,000 characters; empty where it cannot be made."""
        try:
            return str(self.error)[:_LONGEST]
        except Exception:  # a `__str__` of the script's own may raise anything
            return ""

    @cached_property
    def chain(self) -> tuple[BaseException, ...]:
        """The error and what it was raised from, the last one first."""
        found: list[BaseException] = []
        link: BaseException | None = self.error
        while link is not None and link not in found:
            found.append(link)
            link = link.__cause__ or link.__context__
        return tuple(found)

    @cached_property
    def frames(self) -> tuple[RaisedFrame, ...]:
        """The frames, the innermost first: of the error, then of what it was raised from."""
        return tuple(frame for error in self.chain for frame in _frames(error.__traceback__))

    @cached_property
    def site(self) -> Site | None:
        """The user's innermost line that led to the error, as `inject.sites` has them."""
        users = [frame for frame in self.frames if is_user_file(frame.file)]
        if not users and isinstance(self.error, SyntaxError) and self.error.filename:
            return Site(file=self.error.filename, line=self.error.lineno or 0)
        if not users:
            return None
        first, *others = [
            Frame(
                file=os.path.abspath(frame.file),
                line=frame.line,
                function=frame.function,
                code=linecache.getline(frame.file, frame.line).strip()[:300],
            )
            for frame in users[: _MOST_VIA + 1]
        ]
        return Site(
            file=first.file, line=first.line, function=first.function, code=first.code,
            via=tuple(others),
        )  # fmt: skip


def _frames(top: TracebackType | None) -> Iterator[RaisedFrame]:
    for frame, line in reversed(list(traceback.walk_tb(top))):
        yield RaisedFrame(
            function=frame.f_code.co_name,
            file=frame.f_code.co_filename,
            line=line,
            variables=frame.f_locals,
        )
