"""The calls of each tf.data iterator in a host trace, with the functions that it ran."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gputune.trace.columns import Piece
from gputune.trace.cover import Ints
from gputune.trace.functions import CAPTURED, Run, captured_runs
from gputune.trace.intervals import Interval
from gputune.trace.threads import NO_ID, thread_events
from gputune.trace.xplane import Line, Plane, Stat, stats_of

_PREFIX = "Iterator::"
_PRODUCE = "Produce"


@dataclass
class Seen:
    """What was seen of one iterator. Picoseconds; `starts_ps` is kept for roots only."""

    parent_id: int | None
    path: tuple[str, ...]
    name: str
    count: int = 0
    total_ps: int = 0
    exclusive_ps: int = 0
    last_ps: int = -1
    stats: dict[str, Stat] = field(default_factory=dict)
    """Those of its last call."""
    starts_ps: list[int] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    """Step ids of the function runs that it started."""


@dataclass
class Calls:
    """All iterators by id, and the stretches of tf.data's function runs by step id."""

    iterators: dict[int, Seen]
    runs: dict[int, list[Run]]


@dataclass
class _Frame:
    """An open event while a thread's events are walked."""

    end_ps: int
    iterator: int | None = None
    produce: bool = False
    owner: int | None = None
    """For a `…Produce` event: the iterator on whose behalf it produces, once known."""
    pending: list[int] = field(default_factory=list)


def collect(host: Plane, base_ps: int = 0) -> Calls:
    """Read every thread of the host plane; see `columns.base_ps`."""
    iterators: dict[int, Seen] = {}
    produced: list[tuple[int, int]] = []
    last: dict[int, _Last] = {}
    for line in host.lines:
        _walk(line, base_ps, iterators, produced, last)
    for id_, seen in iterators.items():
        seen.last_ps, seen.stats = last[id_]
        seen.name = str(seen.stats.get("name", ""))
    _add_missing_parents(iterators)
    # Only now: a producer's own iterator may be asked on a thread that comes later in the file.
    for owner, function in produced:
        iterators[owner].functions.append(function)
    return Calls(iterators, captured_runs(host, base_ps))


_Last = tuple[int, dict[str, Stat]]
"""When the last call of an iterator began, and its stats."""


def _wanted(name: str) -> bool:
    return name.startswith((_PREFIX, CAPTURED)) or name.endswith(_PRODUCE)


def _walk(
    line: Line,
    base_ps: int,
    iterators: dict[int, Seen],
    produced: list[tuple[int, int]],
    last: dict[int, _Last],
) -> None:
    """Walk one thread's events, which nest, with a stack of the open ones."""
    stack: list[_Frame] = []
    events = thread_events(
        line, base_ps, _wanted, each=lambda piece, at, ids: _keep_last(line, piece, at, ids, last)
    )
    paths = [
        tuple(name[len(_PREFIX) :].split("::")) if name.startswith(_PREFIX) else None
        for name in events.names
    ]
    for name, start, end, id_, parent in events.rows():
        while stack and stack[-1].end_ps <= start:
            produced.extend(_close(stack.pop()))
        path = paths[name]
        if path is not None:
            if id_ != NO_ID:
                above = None if parent == NO_ID else parent
                seen = iterators.setdefault(id_, Seen(above, path, ""))
                _call(seen, above, (start, end), stack, iterators)
                if above is None:
                    seen.starts_ps.append(base_ps + start)
                stack.append(_Frame(end, iterator=id_))
        elif events.names[name].startswith(CAPTURED):
            _function(id_, stack, iterators)
        else:
            stack.append(_Frame(end, produce=True))
    while stack:
        produced.extend(_close(stack.pop()))


def _keep_last(line: Line, piece: Piece, at: Ints, ids: Ints, last: dict[int, _Last]) -> None:
    """Keep the stats of each iterator's last call, while the messages are at hand."""
    keys = piece.key[at]
    calls = [
        key for key in np.unique(keys).tolist() if line.event_names.get(key, "").startswith(_PREFIX)
    ]
    chosen = np.isin(keys, calls)
    at, ids = at[chosen], ids[chosen]
    # By start, so that of each id the last is what stays.
    order = np.argsort(piece.start[at], kind="stable")
    for id_, place in dict(zip(ids[order].tolist(), at[order].tolist(), strict=True)).items():
        start = int(piece.start[place])
        if id_ not in last or start > last[id_][0]:
            last[id_] = start, stats_of(piece.messages[place], line.stat_names)


def _call(
    seen: Seen,
    parent: int | None,
    interval: Interval,
    stack: list[_Frame],
    iterators: dict[int, Seen],
) -> None:
    """Count a call, and take it from the time of the iterator that it was made in."""
    duration = interval[1] - interval[0]
    seen.count += 1
    seen.total_ps += duration
    seen.exclusive_ps += duration
    for frame in reversed(stack):
        if frame.iterator is not None:
            iterators[frame.iterator].exclusive_ps -= duration
            break
        if frame.produce:
            # The outermost call inside a `…Produce` asks the producer's own input.
            frame.owner = frame.owner if frame.owner is not None else parent
            break


def _function(id_: int, stack: list[_Frame], iterators: dict[int, Seen]) -> None:
    """Give a function run to the innermost iterator or producer around its start."""
    if id_ == NO_ID or not stack:
        return
    frame = stack[-1]
    if frame.iterator is not None:
        iterators[frame.iterator].functions.append(id_)
    else:
        frame.pending.append(id_)


def _close(frame: _Frame) -> list[tuple[int, int]]:
    """The function runs of a producer, each with the iterator that it belongs to."""
    if frame.owner is None:
        return []
    return [(frame.owner, function) for function in frame.pending]


def _add_missing_parents(iterators: dict[int, Seen]) -> None:
    """Stand in for iterators of which no call ended inside the trace, up to a known one."""
    by_path = {seen.path: id_ for id_, seen in iterators.items()}
    invented = -1
    for seen in list(iterators.values()):
        child = seen
        while child.parent_id is not None and child.parent_id not in iterators:
            if len(child.path) < 2:  # nothing above is named: the first that is known is the root
                child.parent_id = None
                break
            path = (*child.path[:-2], child.path[-2].partition("[")[0])
            stand_in = iterators[child.parent_id] = Seen(None, path, "")
            by_path[path] = child.parent_id
            if len(path) > 1:
                above = (*path[:-2], path[-2].partition("[")[0])
                stand_in.parent_id = by_path.get(above)
                if stand_in.parent_id is None:
                    stand_in.parent_id, invented = invented, invented - 1
            child = stand_in
