"""What has to move behind a call that is put into a pipeline, and what may stay above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

OVER: Final = ("map", "prefetch", "with_options", "ignore_errors")
"""Over these a shuffle or a repeat may move: they treat each element by itself."""
OPENS: Final = ("interleave", "flat_map")
"""Behind these come the elements of files (or of other small datasets), above them the files."""
MAY_STAY: Final = "shuffle"
"""Above what opens the files it shuffles the files, and a cache keeps their first order. Whether
elements are mixed anew in each epoch is the business of whoever chooses the place: `places.py`."""


class CannotMove(Exception):
    """Why what has to move cannot; the message is the reason."""


def moving(methods: Sequence[str], moves: Sequence[str], behind: str) -> tuple[int, ...]:
    """Which calls move behind the new call `behind`, by their indices.

    `methods` are those above it, from the source on; `moves` those that must not stay above it,
    but for a shuffle of the files. Raises CannotMove.
    """
    opened = max((i for i, m in enumerate(methods) if m in OPENS), default=-1)
    stuck = next((m for m in methods[: opened + 1] if m in moves and m != MAY_STAY), None)
    if stuck is not None:
        raise CannotMove(_reason(stuck, behind, methods[opened]))
    found = tuple(i for i, m in enumerate(methods) if m in moves and i > opened)
    for method in methods[found[0] :] if found else ():
        if method not in (*moves, *OVER):
            raise CannotMove(_reason(methods[found[0]], behind, method))
    return found


def _reason(stuck: str, behind: str, between: str) -> str:
    return f".{stuck} stands above it, and cannot move behind .{behind}: .{between} is in between"
