"""Chosen events of a host thread as columns, in the order in which they nest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gputune.trace.columns import Piece, read_pieces
from gputune.trace.cover import NONE, Ints
from gputune.trace.stats import alike
from gputune.trace.xplane import Line

NO_ID: Final = -(2**63)
_BLOCK: Final = 2**16


@dataclass(frozen=True)
class ThreadEvents:
    """Events sorted by start, of those that start together the longest first: a parent comes first.

    Times are picoseconds from the base that was given. `name` indexes `names`; `id` and `parent`
    are the stats `id` and `parent_id` as signed numbers of 64 bits, NO_ID without one; `marked`
    says whether the event has the stat that was asked for.
    """

    names: tuple[str, ...]
    name: Ints
    start: Ints
    end: Ints
    id: Ints
    parent: Ints
    marked: npt.NDArray[np.bool_]

    def rows(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Name, start, end, id and parent of each event as Python's numbers, a block at a time."""
        columns = self.name, self.start, self.end, self.id, self.parent
        for at in range(0, len(self.start), _BLOCK):
            block = slice(at, at + _BLOCK)
            yield from zip(*(column[block].tolist() for column in columns), strict=True)


def thread_events(
    line: Line,
    base_ps: int,
    wanted: Callable[[str], bool],
    *,
    mark: str = "",
    each: Callable[[Piece, Ints, Ints], None] | None = None,
) -> ThreadEvents:
    """Read the events of a line whose names are `wanted`, marked where they have the stat `mark`.

    `each` is called with every piece while its messages are at hand, with the positions in it of
    events that have an `id`, and these ids. Raises UnreadableTrace where the bytes are no events.
    """
    reader = _Reader(line, wanted, mark, each)
    for piece in read_pieces(line, base_ps):
        reader.add(piece)
    return reader.result()


class _Reader:
    def __init__(
        self,
        line: Line,
        wanted: Callable[[str], bool],
        mark: str,
        each: Callable[[Piece, Ints, Ints], None] | None,
    ) -> None:
        keys = {name: key for key, name in line.stat_names.items()}
        self._line = line
        self._wanted = wanted
        self._each = each
        self._id, self._parent = keys.get("id"), keys.get("parent_id")
        self._mark = keys.get(mark) if mark else None
        self._numbers: dict[int, int] = {}
        self._names: list[str] = []
        self._parts: list[tuple[Ints, Ints, Ints, Ints, Ints, npt.NDArray[np.bool_]]] = []

    def add(self, piece: Piece) -> None:
        different, place = np.unique(piece.key, return_inverse=True)
        numbers = np.array([self._number(key) for key in different.tolist()])[place]
        found = np.flatnonzero(numbers >= 0)
        if not len(found):
            return
        ids, parents = (np.full(len(numbers), NO_ID, np.int64) for _ in range(2))
        marked = np.zeros(len(numbers), bool)
        for group in alike(piece.messages, found):
            for column, key in ((ids, self._id), (parents, self._parent)):
                if key is not None and key in group:
                    column[group.at] = [_signed(number) for number in group.numbers(key)]
            if self._mark is not None and self._mark in group:
                marked[group.at] = True
        if self._each is not None:
            told = found[ids[found] != NO_ID]
            self._each(piece, told, ids[told])
        columns = piece.start, piece.end, ids, parents, marked
        self._parts.append((numbers[found], *(column[found] for column in columns)))  # type: ignore[arg-type]

    def _number(self, key: int) -> int:
        """The number of a name that is wanted, else -1."""
        if key not in self._numbers:
            name = self._line.event_names.get(key, "")
            chosen = self._wanted(name)
            self._numbers[key] = len(self._names) if chosen else -1
            if chosen:
                self._names.append(name)
        return self._numbers[key]

    def result(self) -> ThreadEvents:
        columns = zip(*self._parts, strict=True) if self._parts else ([NONE],) * 5 + ([NONE > 0],)
        name, start, end, id_, parent, marked = (np.concatenate(column) for column in columns)
        order = np.lexsort((-end, start))
        sorted_ = (column[order] for column in (name, start, end, id_, parent, marked))
        return ThreadEvents(tuple(self._names), *sorted_)


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
