"""XPlane bytes -> events. The one file that knows the protobuf; it never imports TensorFlow.

TensorFlow's profiler writes `<logdir>/plugins/profile/<run>/<host>.xplane.pb`, an `XSpace`. Its
classes lie in TensorFlow's wheel as generated Python, which is loaded by its path.

A file is never parsed as a whole: built as messages it takes six to ten times its size. Planes
and lines are found by walking the wire format, and the events of a line are parsed a few thousand
at a time, whenever they are asked for; what a caller does not keep is gone again.

All times are integers in picoseconds on the trace's own axis (`line.timestamp_ns * 1000 +
event.offset_ps`), the same axis for every plane, so that interval arithmetic stays exact. In
TensorFlow 2.21 the axis starts when the profiler does (line timestamps are some 10 µs), and
`Trace.epoch_ns` is that moment in Unix time.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from gputune.trace import wire

PS_PER_S = 10**12
Stat = str | bytes | int | float

# The fields that are walked over, as the bytes of their tags: number * 8 + kind.
_PLANES, _LINES, _EVENTS = 0x0A, 0x1A, 0x22
_OTHERS = {b"\x1f\x8b": "packed with gzip", b"{": "a JSON file", b"[": "a JSON file"}
"""How files begin that lie beside traces, and are none: the profiler's `.trace.json.gz`."""
_PIECE_BYTES = 2**18
"""How much of a line is parsed at a time. An event that is kept keeps its piece in memory."""


class UnreadableTrace(ValueError):
    """A file that is no trace of TensorFlow's profiler; `hint` says what to do about it."""

    def __init__(self, what: str, hint: str) -> None:
        """`what` is wrong, in one sentence, and `hint`, what helps."""
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `name`, `start_ps` on the trace's axis and `duration_ps`, both picoseconds."""

    name: str
    start_ps: int
    duration_ps: int
    _message: Any = field(default=None, repr=False, compare=False)
    _stat_names: Mapping[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def end_ps(self) -> int:
        """The end of the event, picoseconds on the trace's axis."""
        return self.start_ps + self.duration_ps

    @property
    def start_ns(self) -> float:
        """The start of the event, nanoseconds on the trace's axis."""
        return self.start_ps / 1000

    @property
    def stats(self) -> dict[str, Stat]:
        """The event's stats by name, decoded now: most events are never asked for theirs."""
        return {} if self._message is None else _stats(self._message.stats, self._stat_names)

    def stat(self, name: str) -> Stat | None:
        """One stat, or None: cheaper than all of them."""
        for stat in () if self._message is None else self._message.stats:
            if self._stat_names.get(stat.metadata_id) == name:
                return value_of(stat, self._stat_names)
        return None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plane: a thread of the host, a stream of a GPU, or a derived line.

    `timestamp_ns` is where its events' offsets count from, nanoseconds on the trace's axis.
    """

    name: str
    id: int
    timestamp_ns: int
    _data: bytes = field(repr=False, compare=False)
    _pieces: tuple[wire.Range, ...] = field(repr=False, compare=False)
    _count: int = field(repr=False, compare=False)
    _event_names: Mapping[int, str] = field(repr=False, compare=False)
    _stat_names: Mapping[int, str] = field(repr=False, compare=False)

    def __len__(self) -> int:
        """The number of events."""
        return self._count

    @property
    def event_names(self) -> Mapping[int, str]:
        """The names of events by their metadata id; the plane's lines share it."""
        return self._event_names

    @property
    def stat_names(self) -> Mapping[int, str]:
        """The names of stats, and the strings that stats refer to, by their metadata id."""
        return self._stat_names

    def pieces(self) -> Iterator[Any]:
        """The events as protobuf messages (`XEvent`), some thousands at a time, in their order.

        For who reads millions of them: nothing is built around them. Raises UnreadableTrace where
        the bytes are no events.
        """
        read = messages().XLine.FromString
        for start, end in self._pieces:
            try:
                piece = read(self._data[start:end])
            except Exception as error:  # DecodeError, whose module differs between backends
                raise UnreadableTrace(
                    f"the events of the line {self.name!r} are damaged", "make the trace again"
                ) from error
            yield piece.events

    def events(self, wanted: Callable[[str], bool] | None = None) -> Iterator[Event]:
        """The events whose name `wanted` accepts (all where None), in the order of the file.

        `wanted` is called once for each name, not for each event, and events of other names are
        never built: that is what keeps a trace of 100 MB affordable. Raises UnreadableTrace where
        the bytes are no events.
        """
        origin_ps = self.timestamp_ns * 1000
        accepted: dict[int, str | None] = {}
        for piece in self.pieces():
            for message in piece:
                key = message.metadata_id
                if key not in accepted:
                    name = self._event_names.get(key, "")
                    accepted[key] = name if wanted is None or wanted(name) else None
                found = accepted[key]
                if found is not None:
                    yield Event(
                        found,
                        origin_ps + message.offset_ps,
                        message.duration_ps,
                        message,
                        self._stat_names,
                    )


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane: `/host:CPU`, `/device:GPU:N`, `/host:metadata`, `Task Environment`."""

    name: str
    lines: tuple[Line, ...]
    stats: Mapping[str, Stat]


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace.

    `epoch_ns` is the Unix time of the axis' zero in nanoseconds, None in older files. `hostnames`,
    `errors` and `warnings` are what the profiler wrote of itself (events that it dropped, say).
    """

    planes: tuple[Plane, ...]
    epoch_ns: int | None = None
    hostnames: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def plane(self, name: str) -> Plane | None:
        """The plane of that name, or None."""
        return next((plane for plane in self.planes if plane.name == name), None)

    @property
    def host(self) -> Plane | None:
        """The plane of the host's threads, or None."""
        return self.plane("/host:CPU")


def find(logdir: Path) -> Path | None:
    """The newest trace file under a logdir of TensorFlow's profiler, or None."""
    files = logdir.glob("plugins/profile/*/*.xplane.pb")
    return max(files, key=lambda path: path.stat().st_mtime_ns, default=None)


def read(path: Path) -> Trace:
    """Read a trace file.

    Raises UnreadableTrace where the file is missing, empty, cut off, no XSpace at all, or where
    TensorFlow's wheel, which holds the classes to read it with, is not installed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableTrace(
            f"cannot read {path}: {error.strerror or error}", "give the path of an .xplane.pb file"
        ) from error
    return parse(data, name=str(path))


def parse(data: bytes, *, name: str = "the trace") -> Trace:
    """The trace in the bytes of an `.xplane.pb` file; raises UnreadableTrace as `read` does."""
    if not data:
        raise UnreadableTrace(
            f"{name} is empty", "the profiler was ended before it wrote: make the trace again"
        )
    for start, what in _OTHERS.items():
        if data.startswith(start):
            raise UnreadableTrace(
                f"{name} is {what}, and no trace in the XPlane format",
                "give the .xplane.pb file that lies beside it",
            )
    kinds = messages()
    try:
        rest, found = wire.take(data, 0, len(data), _PLANES)
        space = kinds.XSpace.FromString(rest)
        planes = tuple(_plane(data, start, end) for start, end in found)
    except Exception as error:  # Malformed, or DecodeError, whose module differs between backends
        raise UnreadableTrace(
            f"{name} is cut off or is no trace of TensorFlow's profiler",
            "give a whole .xplane.pb file, or make the trace again",
        ) from error
    # Protobuf takes much that is no trace for unknown fields: then nothing known is left.
    if not any(plane.name for plane in planes):
        raise UnreadableTrace(
            f"{name} holds no planes: it is no trace of TensorFlow's profiler",
            "give an .xplane.pb file",
        )
    return Trace(
        planes,
        _epoch_ns(planes),
        hostnames=tuple(space.hostnames),
        errors=tuple(space.errors),
        warnings=tuple(space.warnings),
    )


@cache
def messages() -> ModuleType:
    """The generated protobuf classes of TensorFlow's wheel, without importing TensorFlow.

    Raises UnreadableTrace where the wheel, that file in it, or protobuf is missing.
    """
    hint = "install TensorFlow in the environment that gputune runs in"
    # Finding the spec of a top-level package does not import it.
    found = importlib.util.find_spec("tensorflow")
    if found is None or found.origin is None:
        raise UnreadableTrace("TensorFlow is not installed here, so no trace can be read", hint)
    path = Path(found.origin).parent / "tsl" / "profiler" / "protobuf" / "xplane_pb2.py"
    spec = importlib.util.spec_from_file_location("gputune_xplane_pb2", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UnreadableTrace(f"this TensorFlow has no {path.name}, so no trace can be read", hint)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # no protobuf, or one that refuses this generated code
        raise UnreadableTrace(f"cannot load TensorFlow's {path.name}: {error}", hint) from error
    return module


def _plane(data: bytes, start: int, end: int) -> Plane:
    rest, found = wire.take(data, start, end, _LINES)
    message = messages().XPlane.FromString(rest)
    stat_names = {key: value.name for key, value in message.stat_metadata.items()}
    event_names = {key: value.name for key, value in message.event_metadata.items()}
    lines = tuple(_line(data, start, end, event_names, stat_names) for start, end in found)
    return Plane(message.name, lines, _stats(message.stats, stat_names))


def _line(
    data: bytes,
    start: int,
    end: int,
    event_names: Mapping[int, str],
    stat_names: Mapping[int, str],
) -> Line:
    rest, found, count = wire.pieces(data, start, end, _EVENTS, longest=_PIECE_BYTES)
    head = messages().XLine.FromString(rest)
    return Line(
        head.name or head.display_name,
        head.id,
        head.timestamp_ns,
        data,
        tuple(found),
        count,
        event_names,
        stat_names,
    )


def _stats(stats: Any, names: Mapping[int, str]) -> dict[str, Stat]:
    decoded = ((names.get(stat.metadata_id, ""), value_of(stat, names)) for stat in stats)
    return {name: value for name, value in decoded if value is not None}


def stats_of(message: Any, names: Mapping[int, str]) -> dict[str, Stat]:
    """All stats of an `XEvent`, by name."""
    return _stats(message.stats, names)


def value_of(stat: Any, names: Mapping[int, str]) -> Stat | None:
    """The value of an `XStat`, with references to the plane's strings resolved by `names`."""
    kind = stat.WhichOneof("value")
    if kind is None:
        return None
    value: Stat = getattr(stat, kind)
    # A reference is to a string in the plane's table of stat names.
    return names.get(int(value), "") if kind == "ref_value" else value


def _epoch_ns(planes: tuple[Plane, ...]) -> int | None:
    for plane in planes:
        start = plane.stats.get("profile_start_time")
        if isinstance(start, int):
            return start
    return None
