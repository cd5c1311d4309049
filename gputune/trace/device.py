"""A GPU's plane -> columns: what its streams did, as arrays sorted by start.

Only the lines `Stream #N(...)` are the device. The lines beside them (`TensorFlow Ops`,
`TensorFlow Name Scope`, `XLA Ops`, `Steps`) are derived from these and would count the same time
again, and `MemcpyH2D` on `/host:CPU` is the API call, not the copy. Events are told by their
names, since one stream may carry kernels and copies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from gputune.trace import copies, names
from gputune.trace.columns import read_pieces
from gputune.trace.cover import NONE, Ints, union
from gputune.trace.intervals import Interval
from gputune.trace.names import Kind
from gputune.trace.stats import Alike, alike
from gputune.trace.xplane import Line, Plane, Stat, Trace

_T = TypeVar("_T")
_PLANE: Final = re.compile(r"/device:GPU:(\d+)$")
_STREAM: Final = "Stream #"
_STEPS: Final = "Steps"
UNKNOWN: Final = -1
"""In the columns: no correlation id, no size, no operation."""

# What each stat says; of an event's several names for its operation the first wins.
_CORRELATION, _DETAILS, _SHAPE, _GRAPH = 100, 101, 102, 103
_WANTED: Final = {
    "tf_op": 0,
    "hlo_op": 1,
    "level 0": 2,
    "annotation": 3,
    "correlation_id": _CORRELATION,
    "memcpy_details": _DETAILS,
    "memset_details": _DETAILS,
    "shape": _SHAPE,
    "tensor_shapes": _SHAPE,
    "cuda_graph_exec_id": _GRAPH,
}
_FROM_STATS: Final = {
    "correlation": UNKNOWN, "op": UNKNOWN, "size": UNKNOWN, "memory": 0, "sixteen": 0, "graph": 0,
}  # fmt: skip
"""The columns that stats fill, with what stands where there is no stat."""
_TYPES: Final = {
    "start": np.int64, "end": np.int64, "correlation": np.int64, "size": np.int64,
    "kind": np.int8, "memory": np.int8, "sixteen": np.int8, "graph": np.int8,
    "name": np.int32, "op": np.int32,
}  # fmt: skip


@dataclass(frozen=True)
class Events:
    """The events of one GPU's streams, sorted by start; every column has the same length.

    Times are picoseconds from `Device.base_ps`. `name` and `op` index `Device.names` and
    `Device.ops`; `op`, `size` (bytes) and `correlation` are UNKNOWN where the event does not tell.
    """

    start: Ints
    end: Ints
    correlation: Ints
    size: Ints
    kind: npt.NDArray[np.int8]
    memory: npt.NDArray[np.int8]
    sixteen: npt.NDArray[np.int8]
    """1 where the operation's shapes are 16-bit numbers."""
    graph: npt.NDArray[np.int8]
    """1 where the event is a whole CUDA graph."""
    name: npt.NDArray[np.int32]
    op: npt.NDArray[np.int32]

    def __len__(self) -> int:
        """The number of events."""
        return len(self.start)

    def pick(self, which: npt.NDArray[Any]) -> Events:
        """The events at these positions, or where the mask is true; must keep the order."""
        return Events(**{key: column[which] for key, column in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream: the time that its events cover, in picoseconds, and their number."""

    name: str
    count: int
    busy_ps: int


@dataclass(frozen=True, kw_only=True)
class Device:
    """One GPU of the trace.

    `steps` is the derived line `Steps`: each step's name and interval, picoseconds from `base_ps`.
    `no_work` counts events that take no time of the device (allocations, markers).
    """

    plane: str
    index: int
    base_ps: int
    events: Events
    names: tuple[str, ...]
    ops: tuple[str, ...]
    streams: tuple[Stream, ...]
    steps: tuple[tuple[str, Interval], ...]
    stats: Mapping[str, Stat]
    no_work: int = 0

    @property
    def extent(self) -> Interval | None:
        """From the first event's start to the last one's end; None where the GPU did nothing."""
        if not len(self.events):
            return None
        return int(self.events.start[0]), int(self.events.end.max())


def gpu_planes(trace: Trace) -> list[tuple[int, Plane]]:
    """The planes of GPUs with their index, by index; also of those that did nothing."""
    found = [(m, plane) for plane in trace.planes if (m := _PLANE.search(plane.name))]
    return sorted(((int(m.group(1)), plane) for m, plane in found), key=lambda pair: pair[0])


def read_device(index: int, plane: Plane, base: int) -> Device:
    """Read the streams of a GPU's plane.

    Raises UnreadableTrace where the bytes are no events, or their times no times.
    """
    columns, streams, steps = _Columns(), [], []
    for line in plane.lines:
        if line.name == _STEPS:
            steps += [
                (event.name, (event.start_ps - base, event.end_ps - base))
                for event in line.events()
            ]
        elif line.name.startswith(_STREAM):
            streams.append(_stream(line, base, columns))
    return Device(
        plane=plane.name,
        index=index,
        base_ps=base,
        events=columns.sorted(),
        names=tuple(columns.names),
        ops=tuple(columns.ops),
        streams=tuple(streams),
        steps=tuple(sorted(steps, key=lambda step: step[1])),
        stats=plane.stats,
        no_work=columns.no_work,
    )


class _Columns:
    """The columns under construction, piece by piece, with the tables of names."""

    def __init__(self) -> None:
        self.parts: dict[str, list[npt.NDArray[Any]]] = {
            key: [] for key in Events.__dataclass_fields__
        }
        self.names: dict[str, int] = {}
        self.ops: dict[str, int] = {}
        self.no_work = 0

    def add(self, **columns: Any) -> None:
        """Add the columns of some events, but not those that take no time of the device."""
        works = columns["kind"] != Kind.NO_WORK
        self.no_work += int((~works).sum())
        for key, column in columns.items():
            self.parts[key].append(column if works.all() else column[works])

    def sorted(self) -> Events:
        """The columns as arrays, sorted by start (stable: as in the file where equal)."""
        order = np.argsort(self._joined("start", keep=True), kind="stable")
        return Events(**{key: self._joined(key)[order] for key in self.parts})

    def _joined(self, key: str, *, keep: bool = False) -> npt.NDArray[Any]:
        parts = self.parts[key]
        if not keep:
            self.parts[key] = []  # its memory is free for the next
        return np.concatenate(parts) if parts else np.empty(0, _TYPES[key])


def _stream(line: Line, base: int, columns: _Columns) -> Stream:
    parts = columns.parts["start"], columns.parts["end"]
    before = len(parts[0])
    reader = _StatReader(line.stat_names, columns.ops)
    tables = _Tables(line, columns.names)
    for piece in read_pieces(line, base):
        kind, name, graph = tables.of(piece.key)
        told = reader.read(piece.messages)
        columns.add(
            start=piece.start, end=piece.end, kind=kind, name=name,
            graph=np.maximum(graph, told.pop("graph")), **told,
        )  # fmt: skip
    starts, ends = (np.concatenate([*part[before:], NONE]) for part in parts)
    return Stream(name=line.name, count=len(starts), busy_ps=union(starts, ends).total)


class _Tables:
    """What follows from an event's name, by the name's id in the plane."""

    def __init__(self, line: Line, numbers: dict[str, int]) -> None:
        self._line = line
        self._numbers = numbers
        self._known: dict[int, tuple[int, int, int]] = {}

    def of(self, keys: Ints) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """The kind, the number of the name, and whether it is a graph, of each event."""
        different, place = np.unique(keys, return_inverse=True)
        table = np.array([self._one(int(key)) for key in different], np.int32)[place]
        return table[:, 0].astype(np.int8), table[:, 1], table[:, 2].astype(np.int8)

    def _one(self, key: int) -> tuple[int, int, int]:
        if key not in self._known:
            name = self._line.event_names.get(key, "")
            number = self._numbers.setdefault(name, len(self._numbers))
            self._known[key] = int(names.kind(name)), number, int(names.is_graph(name))
        return self._known[key]


class _StatReader:
    """Reads the stats of events; those that hold text are mostly references, each read once."""

    def __init__(self, stat_names: Mapping[int, str], ops: dict[str, int]) -> None:
        self._names = stat_names
        self._ops = ops
        wanted = {key: _WANTED[name] for key, name in stat_names.items() if name in _WANTED}
        # In order, so that of an event's names for its operation the preferred one comes first.
        self._wanted = dict(sorted(wanted.items(), key=lambda item: item[1]))
        self._details: dict[int, tuple[int, int]] = {}
        self._sixteen: dict[int, int] = {}
        self._op: dict[int, int] = {}

    def read(self, messages: Any) -> dict[str, npt.NDArray[Any]]:
        """The columns that come from stats."""
        columns = {
            key: np.full(len(messages), empty, _TYPES[key]) for key, empty in _FROM_STATS.items()
        }
        for group in alike(messages):
            for key, what in self._wanted.items():
                if key in group:
                    self._put(columns, group, key, what)
        return columns

    def _put(self, columns: dict[str, npt.NDArray[Any]], group: Alike, key: int, what: int) -> None:
        at = group.at
        if what == _CORRELATION:
            columns["correlation"][at] = group.numbers(key)
        elif what == _DETAILS:
            told = self._each(group, key, self._details, _copy_details)
            columns["size"][at] = [size for size, _ in told]
            columns["memory"][at] = [memory for _, memory in told]
        elif what == _SHAPE:
            found = self._each(group, key, self._sixteen, names.has_16_bit_shapes)
            columns["sixteen"][at] = found
        elif what == _GRAPH:
            columns["graph"][at] = 1
        else:
            before = columns["op"][at]
            ops = self._each(group, key, self._op, self._number)
            columns["op"][at] = np.where(before == UNKNOWN, ops, before)

    def _number(self, text: str) -> int:
        """The number of the operation, or UNKNOWN where its name is empty."""
        name = text.partition("#")[0]
        return self._ops.setdefault(name, len(self._ops)) if name else UNKNOWN

    def _each(
        self, group: Alike, key: int, known: dict[int, _T], read: Callable[[str], _T]
    ) -> list[_T]:
        """What `read` makes of the text of each stat; a reference's is `known` from then on."""
        refs = group.refs(key)
        for ref in set(refs) - known.keys() - {0}:
            known[ref] = read(self._names.get(ref, ""))
        if 0 not in refs:
            return [known[ref] for ref in refs]
        return [
            known[ref] if ref else read(_own_text(stat))
            for ref, stat in zip(refs, group.messages(key), strict=True)
        ]


def _own_text(stat: Any) -> str:
    raw: bytes = stat.bytes_value
    return stat.str_value or raw.decode("utf-8", "replace")


def _copy_details(text: str) -> tuple[int, int]:
    """The size, or UNKNOWN, and the host's memory."""
    told = copies.details(text)
    return UNKNOWN if told.size is None else told.size, int(told.memory)
