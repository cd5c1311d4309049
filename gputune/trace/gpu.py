"""What a GPU did, from its plane in a trace: kernels, copies, and how much of them is exposed.

Only the lines `Stream #N(...)` are the device. The lines beside them (`TensorFlow Ops`,
`TensorFlow Name Scope`, `Steps`) are derived from these and would count the same time again, and
`MemcpyH2D` on `/host:CPU` is the API call, not the copy. Events are told by their names, since
one stream may carry kernels and copies.

A copy from host to device is *exposed* where no kernel runs beside it; one from device to host
where neither a kernel nor a copy to the device does. All time is clipped to the window first:
copies lie outside the steps too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gputune.trace.intervals import Interval, clip, subtract, total, union
from gputune.trace.xplane import PS_PER_S, Event, Plane, Trace

_PLANE = re.compile(r"/device:GPU:(\d+)$")
_COLLECTIVE = re.compile(r"nccl|all_?reduce|reduce_?scatter|all_?gather", re.IGNORECASE)
"""Kernels that exchange values between devices (NCCL's names; tried on its 2.x)."""
_SIZE = re.compile(r"(?:^|\s)size:(\d+)")


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Copies in one direction.

    `count` and `bytes` are of the copies that began in the window; `s` is their summed duration
    and `exposed_s` the part that nothing hid, both clipped to the window, in seconds. `bytes` is
    None where a copy does not tell its size.
    """

    count: int
    bytes: int | None
    s: float
    exposed_s: float


@dataclass(frozen=True, kw_only=True)
class GpuActivity:
    """A GPU over one window. Times are seconds.

    `kernel_s` sums over the streams, so it can exceed the window; `busy_s` is the union of
    kernels, copies and memsets, and `idle_s` the rest of `window_s`. `all_reduce_s` is the time in
    which only kernels ran that exchange values between devices.
    """

    window_s: float
    kernel_count: int
    kernel_s: float
    h2d: Copies
    d2h: Copies
    busy_s: float
    idle_s: float
    all_reduce_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Event:
    start: int
    end: int
    size: int | None = None
    collective: bool = False


@dataclass(frozen=True, kw_only=True)
class GpuStreams:
    """The device's own events, read once; `activity` then answers for any window.

    `index` is TensorFlow's number of the GPU in the process.
    """

    index: int
    kernels: tuple[_Event, ...]
    h2d: tuple[_Event, ...]
    d2h: tuple[_Event, ...]
    other: tuple[_Event, ...]
    """Copies within and between devices, and memsets."""
    steps: tuple[Interval, ...]
    """The derived line `Steps`, in picoseconds; empty in traces that have none."""

    @property
    def capture(self) -> Interval | None:
        """From the first event's start to the last one's end; None where the GPU did nothing."""
        events = self.kernels + self.h2d + self.d2h + self.other
        if not events:
            return None
        return min(event.start for event in events), max(event.end for event in events)

    def activity(self, window: Interval) -> GpuActivity:
        """What the GPU did in `window` (picoseconds on the trace's axis)."""
        start, end = window
        kernels = clip(_cover(self.kernels), start, end)
        to_device = clip(_cover(self.h2d), start, end)
        from_device = clip(_cover(self.d2h), start, end)
        busy = clip(_cover(self.kernels + self.h2d + self.d2h + self.other), start, end)
        return GpuActivity(
            window_s=(end - start) / PS_PER_S,
            kernel_count=sum(start <= event.start < end for event in self.kernels),
            kernel_s=_clipped(self.kernels, window) / PS_PER_S,
            h2d=_copies(self.h2d, window, subtract(to_device, kernels)),
            d2h=_copies(self.d2h, window, subtract(subtract(from_device, kernels), to_device)),
            busy_s=total(busy) / PS_PER_S,
            idle_s=(end - start - total(busy)) / PS_PER_S,
            all_reduce_s=self._alone([e for e in self.kernels if e.collective], window) / PS_PER_S,
        )

    def _alone(self, events: Sequence[_Event], window: Interval) -> int:
        """Picoseconds of the window in which kernels of `events` ran, and no other kernel."""
        others = [event for event in self.kernels if not event.collective]
        return total(subtract(clip(_cover(events), *window), clip(_cover(others), *window)))


def gpu_streams(trace: Trace) -> tuple[GpuStreams, ...]:
    """The GPUs that did something in the trace, by index.

    A trace names every GPU of the process; those without events are left out.
    """
    found = []
    for plane in trace.planes:
        match = _PLANE.search(plane.name)
        if match:
            streams = _read(int(match.group(1)), plane)
            if streams.capture is not None:
                found.append(streams)
    return tuple(sorted(found, key=lambda streams: streams.index))


def _read(index: int, plane: Plane) -> GpuStreams:
    kernels: list[_Event] = []
    copies: dict[str, list[_Event]] = {"MemcpyH2D": [], "MemcpyD2H": []}
    other: list[_Event] = []
    steps: list[Interval] = []
    for line in plane.lines:
        if line.name == "Steps":
            steps.extend((event.start_ps, event.end_ps) for event in line.events())
        if not line.name.startswith("Stream #"):
            continue
        for event in line.events():
            if event.name in copies:
                copies[event.name].append(_event(event, _size(event)))
            elif event.name.startswith(("Memcpy", "Memset")):
                other.append(_event(event))
            else:
                exchanges = _COLLECTIVE.search(event.name) is not None
                kernels.append(_event(event, collective=exchanges))
    return GpuStreams(
        index=index,
        kernels=tuple(kernels),
        h2d=tuple(copies["MemcpyH2D"]),
        d2h=tuple(copies["MemcpyD2H"]),
        other=tuple(other),
        steps=tuple(sorted(steps)),
    )


def _event(event: Event, size: int | None = None, *, collective: bool = False) -> _Event:
    return _Event(start=event.start_ps, end=event.end_ps, size=size, collective=collective)


def _size(event: Event) -> int | None:
    """The bytes of a copy: `size:112 dest:4 async:0`, or `kind_src:pageable … size:112 …`."""
    details = event.stat("memcpy_details")
    text = details.decode("utf-8", "replace") if isinstance(details, bytes) else str(details)
    match = _SIZE.search(text)
    return int(match.group(1)) if match else None


def _cover(events: Sequence[_Event]) -> list[Interval]:
    return union((event.start, event.end) for event in events)


def _clipped(events: Sequence[_Event], window: Interval) -> int:
    start, end = window
    return sum(max(0, min(event.end, end) - max(event.start, start)) for event in events)


def _copies(events: Sequence[_Event], window: Interval, exposed: list[Interval]) -> Copies:
    begun = [event for event in events if window[0] <= event.start < window[1]]
    sizes = [event.size for event in begun]
    return Copies(
        count=len(begun),
        bytes=None if None in sizes else sum(size for size in sizes if size is not None),
        s=_clipped(events, window) / PS_PER_S,
        exposed_s=total(exposed) / PS_PER_S,
    )
