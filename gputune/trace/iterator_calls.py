"""The calls of each tf.data iterator in a host trace, with the functions that it ran."""

from __future__ import annotations

from dataclasses import dataclass, field

from gputune.trace.functions import CAPTURED, Run, captured_runs
from gputune.trace.xplane import Event, Line, Plane

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
    event: Event | None = None
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


def collect(host: Plane) -> Calls:
    """Read every thread of the host plane."""
    iterators: dict[int, Seen] = {}
    produced: list[tuple[int, int]] = []
    for line in host.lines:
        _walk(line, iterators, produced)
    _add_missing_parents(iterators)
    # Only now: a producer's own iterator may be asked on a thread that comes later in the file.
    for owner, function in produced:
        iterators[owner].functions.append(function)
    return Calls(iterators, captured_runs(host))


def _wanted(name: str) -> bool:
    return name.startswith((_PREFIX, CAPTURED)) or name.endswith(_PRODUCE)


def _walk(line: Line, iterators: dict[int, Seen], produced: list[tuple[int, int]]) -> None:
    """Walk one thread's events, which nest, with a stack of the open ones."""
    stack: list[_Frame] = []
    events = sorted(line.events(_wanted), key=lambda event: (event.start_ps, -event.end_ps))
    for event in events:
        while stack and stack[-1].end_ps <= event.start_ps:
            produced.extend(_close(stack.pop()))
        if event.name.startswith(CAPTURED):
            _function(event, stack, iterators)
        elif event.name.startswith(_PREFIX):
            _call(event, stack, iterators)
        else:
            stack.append(_Frame(event.end_ps, produce=True))
    while stack:
        produced.extend(_close(stack.pop()))


def _call(event: Event, stack: list[_Frame], iterators: dict[int, Seen]) -> None:
    stats = event.stats
    id_, parent_id = stats.get("id"), stats.get("parent_id")
    if not isinstance(id_, int):
        return
    parent = parent_id if isinstance(parent_id, int) else None
    seen = iterators.get(id_)
    if seen is None:
        path = tuple(event.name[len(_PREFIX) :].split("::"))
        seen = iterators[id_] = Seen(parent, path, str(stats.get("name", "")))
    seen.count += 1
    seen.total_ps += event.duration_ps
    seen.exclusive_ps += event.duration_ps
    if event.start_ps > seen.last_ps:
        seen.last_ps, seen.event = event.start_ps, event
    if parent is None:
        seen.starts_ps.append(event.start_ps)
    for frame in reversed(stack):
        if frame.iterator is not None:
            iterators[frame.iterator].exclusive_ps -= event.duration_ps
            break
        if frame.produce:
            # The outermost call inside a `…Produce` asks the producer's own input.
            frame.owner = frame.owner if frame.owner is not None else parent
            break
    stack.append(_Frame(event.end_ps, iterator=id_))


def _function(event: Event, stack: list[_Frame], iterators: dict[int, Seen]) -> None:
    """Give a function run to the innermost iterator or producer around its start."""
    id_ = event.stat("id")
    if not isinstance(id_, int) or not stack:
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
