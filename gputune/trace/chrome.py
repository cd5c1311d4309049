"""A trace in the Trace Event format, which Perfetto and chrome://tracing open.

One JSON object, `{"traceEvents": […]}`, written event by event, so that a trace of any size costs
no memory. A plane is a process, a line (a stream, a host thread, a derived line) a thread; times
are microseconds with all their digits, counted from the trace's first line.
Format: "Trace Event Format", Google, 2016 (events `X` and `M`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final, TextIO

from gputune.trace.columns import base_ps
from gputune.trace.xplane import Line, Plane, Trace, value_of

_HOST: Final = "/host:"
_PS_PER_US: Final = 10**6
_WORTH_A_TIP: Final = frozenset(
    {
        "correlation_id", "memcpy_details", "memset_details", "kernel_details", "tf_op", "hlo_op",
        "hlo_module", "annotation", "shape", "group_id", "step_num", "step_name", "name", "id",
        "parent_id", "context_id", "cuda_graph_id", "cuda_graph_exec_id",
    }
)  # fmt: skip
"""The stats that are written with an event, as its `args`."""


def write_chrome(trace: Trace, to: TextIO, *, host: bool = True) -> int:
    """Write the trace to `to`; without `host`, the GPUs alone. Returns the number of events.

    Raises UnreadableTrace where events are damaged, OSError where `to` cannot be written.
    """
    write = to.write
    write('{"displayTimeUnit":"ns","traceEvents":[')
    count = 0
    separator = "\n"
    base = base_ps(trace)
    planes = [plane for plane in trace.planes if any(len(line) for line in plane.lines)]
    # The GPUs on top: they are what one wants to see.
    planes.sort(key=lambda plane: plane.name.startswith(_HOST))
    for pid, plane in enumerate(planes, 1):
        if plane.name.startswith(_HOST) and not host:
            continue
        for text in _names(plane, pid):
            write(separator + text)
            separator = ",\n"
        for tid, line in enumerate(plane.lines, 1):
            for text in _events(line, pid, tid, line.timestamp_ns * 1000 - base):
                write(separator + text)
                count += 1
    write("\n]}\n")
    return count


def _names(plane: Plane, pid: int) -> Iterator[str]:
    """The metadata events that name a process and its threads, and put them in order."""
    yield _meta("process_name", pid, 0, {"name": plane.name})
    yield _meta("process_sort_index", pid, 0, {"sort_index": pid})
    for tid, line in enumerate(plane.lines, 1):
        yield _meta("thread_name", pid, tid, {"name": line.name or str(line.id)})
        yield _meta("thread_sort_index", pid, tid, {"sort_index": tid})


def _meta(name: str, pid: int, tid: int, arguments: dict[str, Any]) -> str:
    return json.dumps({"ph": "M", "name": name, "pid": pid, "tid": tid, "args": arguments})


def _events(line: Line, pid: int, tid: int, shift_ps: int) -> Iterator[str]:
    names: dict[int, str] = {}
    arguments = _arguments(line)
    place = f'"pid":{pid},"tid":{tid}'
    for message in chain.from_iterable(line.pieces()):
        key = message.metadata_id
        if key not in names:
            names[key] = json.dumps(line.event_names.get(key, ""))
        start = _microseconds(shift_ps + message.offset_ps)
        length = _microseconds(message.duration_ps)
        yield (
            f'{{"ph":"X",{place},"ts":{start},"dur":{length},"name":{names[key]}'
            f"{arguments(message)}}}"
        )


def _arguments(line: Line) -> Callable[[Any], str]:
    """Returns a function from an event to its `args`, with a comma before, or to nothing."""
    keys = {key: json.dumps(name) for key, name in line.stat_names.items() if name in _WORTH_A_TIP}

    def arguments(message: Any) -> str:
        found = []
        for stat in message.stats:
            key = keys.get(stat.metadata_id)
            if key is not None:
                value = value_of(stat, line.stat_names)
                if isinstance(value, bytes):
                    value = value.decode("utf-8", "replace")
                found.append(f"{key}:{json.dumps(value)}")
        return f',"args":{{{",".join(found)}}}' if found else ""

    return arguments


def _microseconds(ps: int) -> str:
    """Exact, in as few digits as that takes: 1.5, 0.032, 7."""
    sign, ps = ("-", -ps) if ps < 0 else ("", ps)
    whole, rest = divmod(ps, _PS_PER_US)
    return f"{sign}{whole}.{rest:06d}".rstrip("0").rstrip(".")
