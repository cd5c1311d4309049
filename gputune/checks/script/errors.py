"""What an error says at its core, and the user's line that it names. Pure but for the files."""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Iterator

from gputune.inject.sites import is_user_file
from gputune.schema.site import Site

_LONGEST = 200
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NODE = "[[{{node"
_LINE = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')


def said(error: BaseException) -> str:
    """An error in one line: its class, and the first paragraph of what it says at its core.

    Keras wraps an error into others that all say `Exception encountered: …`, the cause last.
    TensorFlow puts the node's history before what it says of a running graph.
    """
    text = _text(error).rsplit("Exception encountered: ", 1)[-1].strip()
    if text.startswith("Exception encountered when calling"):
        text = text.partition("\n")[2].strip() or text
    if _NODE in text:
        before = [line.strip() for line in text.split(_NODE, 1)[0].splitlines() if line.strip()]
        text = before[-1] if before else text
    first = " ".join(text.split("\n\n", 1)[0].split())
    return f"{type(error).__name__}: {first[:_LONGEST]}" if first else type(error).__name__


def named_site(error: BaseException) -> Site | None:
    """The user's last line in the history that TensorFlow tells of a node; None without one."""
    found = list(_users(_text(error)))
    if not found:
        return None
    file, line, function = found[-1]
    return Site(
        file=os.path.abspath(file), line=line, function=function,
        code=linecache.getline(file, line).strip()[:300],
    )  # fmt: skip


def _users(text: str) -> Iterator[tuple[str, int, str]]:
    for match in _LINE.finditer(text):
        if is_user_file(match[1]):
            yield match[1], int(match[2]), match[3]


def _text(error: BaseException) -> str:
    try:
        return _COLOURS.sub("", str(error))
    except Exception:  # an error that cannot be printed
        return ""
