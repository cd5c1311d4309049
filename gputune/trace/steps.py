"""The steps of a trace: the windows that the figures are given for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gputune.trace.device import Device
from gputune.trace.host import Host, Mark
from gputune.trace.host_ops import STEP
from gputune.trace.intervals import Interval

FROM_TRACE: Final = "trace"
FROM_MARKERS: Final = "host markers"
FROM_GET_NEXT: Final = "GetNext"


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The windows of the steps, (name, picoseconds from the trace's base), in order of time.

    `source` is where they come from: see the constants. None, with a `reason`, without steps.
    """

    windows: tuple[tuple[str, Interval], ...] = ()
    source: str | None = None
    reason: str = ""


def steps_of(device: Device, host: Host, *, alone: bool) -> Steps:
    """The steps of a GPU.

    The derived line `Steps` where the file has one; else the markers that the script, Keras or
    gputune put around each step on the host; else, where a GPU is `alone` in the trace, the time
    from one GetNext to the next: with several GPUs each asks for elements of its own. Windows of
    the host are not cut to the device: what a step launched late may run in the next one.
    """
    if device.steps:
        return Steps(windows=device.steps, source=FROM_TRACE)
    if not len(device.events):
        return Steps(reason="the GPU did nothing in the trace")
    marks = step_marks(host)
    if marks:
        windows = tuple((_name(mark, at), mark.interval) for at, mark in enumerate(marks))
        return Steps(windows=windows, source=FROM_MARKERS)
    if alone and len(host.get_next) > 2:
        starts = [int(start) for start in host.get_next]
        pairs = pairwise(starts)
        return Steps(
            windows=tuple((str(at), pair) for at, pair in enumerate(pairs)), source=FROM_GET_NEXT
        )
    missing = "no line `Steps`, no markers with `step_num` on the host"
    if not alone and len(host.get_next):
        return Steps(reason=f"{missing}, and GetNext calls of several GPUs are no steps")
    return Steps(reason=f"{missing}, and fewer than three GetNext calls")


def step_marks(host: Host) -> tuple[Mark, ...]:
    """The markers of one name, in order of time, without any that overlap the one before.

    gputune's own name first, then TensorFlow's and Keras' (`train…`), then the most frequent.
    """
    counts: dict[str, int] = {}
    for mark in host.marks:
        counts[mark.name] = counts.get(mark.name, 0) + 1
    if not counts:
        return ()
    chosen = max(counts, key=lambda name: (name == STEP, name.startswith("train"), counts[name]))
    kept: list[Mark] = []
    for mark in host.marks:
        if mark.name == chosen and (not kept or mark.interval[0] >= kept[-1].interval[1]):
            kept.append(mark)
    return tuple(kept)


def _name(mark: Mark, at: int) -> str:
    return str(at if mark.number is None else mark.number)
