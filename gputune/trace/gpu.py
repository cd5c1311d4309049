"""What a GPU did in a window of a trace: kernels, copies, and how much of them is exposed.

A copy from host to device is *exposed* where no kernel runs beside it; one from device to host
where neither a kernel nor a copy to the device does. All time is clipped to the window first:
copies lie outside the steps too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gputune.trace import kernels as kernels_
from gputune.trace.columns import base_ps
from gputune.trace.cover import Cover, union
from gputune.trace.device import Device, gpu_planes, read_device
from gputune.trace.intervals import Interval
from gputune.trace.names import Kind
from gputune.trace.work import Work
from gputune.trace.xplane import PS_PER_S, Trace

COPIES = (Kind.H2D, Kind.D2H, Kind.D2D, Kind.P2P, Kind.OTHER_COPY, Kind.MEMSET)
"""In the order in which they hide each other; kernels hide all of them."""


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
class GpuStreams:
    """The device's own events, read once; `activity` then answers for any window.

    `kernels` are all of them, `collectives` those that exchange values between devices, exposed
    where no other kernel runs; `copies` has the copies and memsets by their kind.
    """

    device: Device
    kernels: Work
    collectives: Work
    copies: dict[Kind, Work]
    busy: Cover

    @property
    def index(self) -> int:
        """TensorFlow's number of the GPU in the process."""
        return self.device.index

    @property
    def steps(self) -> tuple[Interval, ...]:
        """The derived line `Steps`, in picoseconds; empty in traces that have none."""
        base = self.device.base_ps
        return tuple((base + start, base + end) for _, (start, end) in self.device.steps)

    @property
    def capture(self) -> Interval | None:
        """From the first event's start to the last one's end; None where the GPU did nothing."""
        extent, base = self.device.extent, self.device.base_ps
        return None if extent is None else (base + extent[0], base + extent[1])

    def activity(self, window: Interval) -> GpuActivity:
        """What the GPU did in `window` (picoseconds on the trace's axis)."""
        start, end = (point - self.device.base_ps for point in window)
        busy = self.busy.between(start, end)
        kernels = self.kernels.begun((start, end))
        return GpuActivity(
            window_s=(end - start) / PS_PER_S,
            kernel_count=kernels.stop - kernels.start,
            kernel_s=self.kernels.clipped_ps((start, end)) / PS_PER_S,
            h2d=_copies(self.copies[Kind.H2D], (start, end)),
            d2h=_copies(self.copies[Kind.D2H], (start, end)),
            busy_s=busy / PS_PER_S,
            idle_s=(end - start - busy) / PS_PER_S,
            all_reduce_s=self.collectives.exposed.between(start, end) / PS_PER_S,
        )


def gpu_streams(trace: Trace) -> tuple[GpuStreams, ...]:
    """The GPUs that did something in the trace, by index.

    A trace names every GPU of the process; those without events are left out. Raises
    UnreadableTrace where the events are damaged.
    """
    base = base_ps(trace)
    devices = (read_device(index, plane, base) for index, plane in gpu_planes(trace))
    return tuple(streams(device) for device in devices if len(device.events))


def streams(device: Device) -> GpuStreams:
    """Sort a GPU's events into kinds, each with what it covers and what hides it."""
    kernels = kernels_.kernels_of(device)
    exchanging = kernels_.collectives(device, kernels)
    computing = kernels.pick(~exchanging)
    work = Work.of(kernels)
    hidden_by = work.cover
    copies = {}
    for kind in COPIES:
        copies[kind] = Work.of(device.events.pick(device.events.kind == kind), hidden_by)
        hidden_by = _both(hidden_by, copies[kind].cover)
    return GpuStreams(
        device=device,
        kernels=work,
        collectives=Work.of(kernels.pick(exchanging), union(computing.start, computing.end)),
        copies=copies,
        busy=hidden_by,
    )


def _both(one: Cover, other: Cover) -> Cover:
    """What either covers."""
    if not len(other):
        return one
    starts = np.concatenate((one.starts, other.starts))
    return union(starts, np.concatenate((one.ends, other.ends)))


def _copies(work: Work, window: Interval) -> Copies:
    begun = work.begun(window)
    return Copies(
        count=begun.stop - begun.start,
        bytes=work.bytes(begun),
        s=work.clipped_ps(window) / PS_PER_S,
        exposed_s=work.exposed.between(*window) / PS_PER_S,
    )
