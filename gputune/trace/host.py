"""The host's planes -> what the analysis of the GPUs needs of them, in one pass.

CUPTI's events of the API calls (`cuLaunchKernel`, or the kernel's own name in older files) carry
the stat `correlation_id`, which the kernel or the copy on the device carries too. They stand on
`/host:CPU`, or on `/host:CUPTI` where nothing has merged the two. A step's marker carries
`step_num`, under whatever name (`train`, Keras' `Profiled batch`, `gputune_step`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gputune.trace.columns import Piece, read_pieces
from gputune.trace.cover import EMPTY, NONE, Cover, Ints, union
from gputune.trace.functions import op_type
from gputune.trace.intervals import Interval
from gputune.trace.stats import alike
from gputune.trace.xplane import Line, Plane, Trace

_LOOKS: Final = 8
"""An event's name whose first 8 events have neither stat is not looked at any more."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One marker of a step, in picoseconds from the trace's base; `number` as the script has it."""

    name: str
    number: int | None
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class OpTime:
    """All runs of one type of operation on the host; `ps` is their summed duration."""

    name: str
    count: int
    ps: int


@dataclass(frozen=True, kw_only=True)
class Host:
    """What the host's threads did. Times are picoseconds from the trace's base.

    `calls` are correlation ids, sorted, and `called` when each call began (the first of them where
    an id occurs twice). `waits` covers all time in which some thread was inside GetNext, None
    where the trace shows no GetNext; `get_next` are those calls' starts, sorted.
    """

    threads: int = 0
    events: int = 0
    extent: Interval | None = None
    calls: Ints = field(default_factory=lambda: NONE)
    called: Ints = field(default_factory=lambda: NONE)
    waits: Cover | None = None
    get_next: Ints = field(default_factory=lambda: NONE)
    get_next_ps: int = 0
    marks: tuple[Mark, ...] = ()
    ops: tuple[OpTime, ...] = ()

    def call_of(self, correlation: Ints) -> Ints:
        """When the calls of these ids began; `NEVER` for an id without one."""
        if not len(self.calls):
            return np.full(len(correlation), NEVER)
        at = np.minimum(np.searchsorted(self.calls, correlation), len(self.calls) - 1)
        return np.where(self.calls[at] == correlation, self.called[at], NEVER)


NEVER: Final = np.iinfo(np.int64).max


def is_get_next(name: str) -> bool:
    """Whether an event is a wait for the next element of an iterator."""
    return name.startswith("IteratorGetNext") and name.endswith("::DoCompute")


def read_host(trace: Trace, base: int) -> Host:
    """Read every plane of the host; raises UnreadableTrace where their bytes are no events."""
    reader = _Reader()
    for plane in trace.planes:
        if plane.name.startswith("/host:"):
            reader.plane(plane, base)
    return reader.result()


@dataclass
class _Name:
    """All events of one name on a plane; `looks` is how many more are looked at for their stats."""

    text: str
    looks: int
    carries: bool = False
    count: int = 0
    ps: int = 0


class _Reader:
    def __init__(self) -> None:
        self._threads = 0
        self._names: list[_Name] = []
        self._calls: list[Ints] = []
        self._called: list[Ints] = []
        self._waits: list[tuple[Ints, Ints]] = []
        self._marks: list[Mark] = []
        self._low: int | None = None
        self._high = 0

    def plane(self, plane: Plane, base: int) -> None:
        """Read a plane's lines."""
        names: dict[int, _Name] = {}
        for line in plane.lines:
            if not len(line):
                continue
            self._threads += 1
            stats = {name: key for key, name in line.stat_names.items()}
            ids = stats.get("correlation_id"), stats.get("step_num")
            for piece in read_pieces(line, base):
                self._piece(piece, line, names, ids)
        self._names += names.values()

    def _piece(
        self, piece: Piece, line: Line, names: dict[int, _Name],
        ids: tuple[int | None, int | None],
    ) -> None:  # fmt: skip
        low, high = int(piece.start.min()), int(piece.end.max())
        self._low = low if self._low is None else min(low, self._low)
        self._high = max(high, self._high)
        different, place = np.unique(piece.key, return_inverse=True)
        counts = np.bincount(place)
        # Exact as floats: a piece's durations sum to far less than 2**53 ps, which is 2.5 hours.
        sums = np.bincount(place, weights=piece.end - piece.start)
        for at, key in enumerate(different.tolist()):
            name = names.get(key)
            if name is None:
                looks = 0 if ids == (None, None) else _LOOKS
                name = names[key] = _Name(line.event_names.get(key, ""), looks)
            name.count += int(counts[at])
            name.ps += round(sums[at])
            waits = is_get_next(name.text)
            if not waits and not name.looks:
                continue
            found = np.flatnonzero(place == at)
            if waits:
                self._waits.append((piece.start[found], piece.end[found]))
            if name.looks:
                self._look(name, piece, found, ids)

    def _look(
        self, name: _Name, piece: Piece, found: Ints, ids: tuple[int | None, int | None]
    ) -> None:
        """Keep what is a call to the device, or the marker of a step."""
        call, step = ids
        if not name.carries:
            # Most names carry neither: it is enough to look at some of each.
            some = found[: name.looks]
            name.carries = any(
                call in group or step in group for group in alike(piece.messages, some)
            )
            if not name.carries:
                name.looks -= len(some)
                return
        for group in alike(piece.messages, found):
            if call is not None and call in group:
                self._calls.append(np.array(group.numbers(call), np.int64))
                self._called.append(piece.start[group.at])
            elif step is not None and step in group:
                for at, number in zip(group.at.tolist(), group.numbers(step), strict=True):
                    interval = (int(piece.start[at]), int(piece.end[at]))
                    self._marks.append(Mark(name=name.text, number=number, interval=interval))

    def result(self) -> Host:
        """What was read."""
        calls = np.concatenate([*self._calls, NONE])
        called = np.concatenate([*self._called, NONE])
        order = np.lexsort((called, calls))
        calls, called = calls[order], called[order]
        first = np.ones(len(calls), bool)
        first[1:] = calls[1:] != calls[:-1]
        starts = np.concatenate([*(start for start, _ in self._waits), NONE])
        ends = np.concatenate([*(end for _, end in self._waits), NONE])
        return Host(
            threads=self._threads,
            events=sum(name.count for name in self._names),
            extent=None if self._low is None else (self._low, self._high),
            calls=calls[first],
            called=called[first],
            waits=union(starts, ends) if len(starts) else None,
            get_next=np.sort(starts),
            get_next_ps=int((ends - starts).sum()) if len(starts) else 0,
            marks=tuple(sorted(self._marks, key=lambda mark: mark.interval)),
            ops=tuple(_op_times(self._names)),
        )


def _op_times(names: list[_Name]) -> Iterator[OpTime]:
    """The types of operations by their time, longest first."""
    found: dict[str, list[int]] = {}
    for name in names:
        kind = op_type(name.text)
        if kind is not None:
            entry = found.setdefault(kind, [0, 0])
            entry[0] += name.count
            entry[1] += name.ps
    for kind, (count, ps) in sorted(found.items(), key=lambda item: (-item[1][1], item[0])):
        yield OpTime(name=kind, count=count, ps=ps)


def waits_or_none(host: Host) -> Cover:
    """The waits for input, empty where the trace shows none."""
    return EMPTY if host.waits is None else host.waits
