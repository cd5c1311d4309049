"""Where in the user's source something was called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame of the user's own code.

    `file` is absolute, `line` counts from 1, `code` is the text of that line, stripped.
    """

    file: str
    line: int
    function: str = ""
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A call in the user's source.

    `file`, `line`, `function` and `code` are those of the innermost frame that is outside the
    standard library and every site-packages; `via` lists the frames of the user that led there,
    innermost first, so that one helper called from two lines is two sites.
    """

    file: str
    line: int
    function: str = ""
    code: str = ""
    via: tuple[Frame, ...] = ()

    def label(self) -> str:
        """`train.py:42`, with the user's line that called it where it stands in a helper."""
        here = f"{_base(self.file)}:{self.line}"
        callers = [f"{_base(frame.file)}:{frame.line}" for frame in self.via]
        if not callers:
            return here
        return f"{here} (called from {callers[0]})"


def site_of(body: Mapping[str, Any] | None) -> Site | None:
    """A Site from its JSON, as `inject.sites` writes it; None for none."""
    if body is None:
        return None
    named = ("file", "line", "function", "code")
    via = tuple(
        Frame(**{key: frame[key] for key in named if key in frame})
        for frame in body.get("via") or ()
    )
    return Site(**{key: body[key] for key in named if key in body}, via=via)


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1]
