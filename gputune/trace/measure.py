"""One GPU over one window -> the record's figures. Picoseconds until the last moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gputune.schema.trace import Activity
from gputune.trace import kernels
from gputune.trace.copies import HostMemory
from gputune.trace.cover import Cover, Ints
from gputune.trace.gpu import GpuStreams
from gputune.trace.host import NEVER, Host, waits_or_none
from gputune.trace.idle import Idle, split
from gputune.trace.intervals import Interval
from gputune.trace.names import Kind
from gputune.trace.work import Work
from gputune.trace.xplane import PS_PER_S

_NAMED = {Kind.H2D: "h2d", Kind.D2H: "d2h", Kind.D2D: "d2d", Kind.P2P: "p2p", Kind.MEMSET: "memset"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A GPU with all that is asked of it in every window. Times are picoseconds from the base.

    `delay` is each kernel's start less its launch call's, `NEVER` where no call is known.
    """

    gpu: GpuStreams
    idle: Idle
    delay: Ints
    sixteen: npt.NDArray[np.bool_]
    tensor: npt.NDArray[np.bool_]
    knows_calls: bool
    knows_input: bool


def measured(gpu: GpuStreams, host: Host, axis: Interval) -> Measured:
    """Prepare a GPU; `axis` holds all of its events and every window that is asked for."""
    events, launched = gpu.device.events, gpu.kernels.events
    called = host.call_of(events.correlation)
    kernel_called = host.call_of(launched.correlation)
    delay = np.where(kernel_called == NEVER, NEVER, launched.start - kernel_called)
    return Measured(
        gpu=gpu,
        idle=split(gpu.busy, events, called, waits_or_none(host), axis),
        delay=delay,
        sixteen=kernels.sixteen_bit(gpu.device, launched),
        tensor=kernels.on_tensor_cores(gpu.device, launched),
        knows_calls=bool((called != NEVER).any()),
        knows_input=host.waits is not None,
    )


def activity(of: Measured, window: Interval, *, name: str = "", since: int = 0) -> Activity:
    """The GPU's figures in a window; `since` is what `start_s` counts from."""
    start, end = window
    busy = of.gpu.busy.between(start, end)
    found: dict[str, Any] = {}
    for kind, prefix in _NAMED.items():
        found |= _copies(of.gpu.copies[kind], window, prefix)
    for prefix, kind in (("h2d", Kind.H2D), ("d2h", Kind.D2H)):
        found |= _memory(of.gpu.copies[kind], window, prefix)
    found |= _copies(of.gpu.collectives, window, "collective")
    # The kernels that exchange values tell no size; with none of them, nothing was moved.
    found["collective_bytes"] = None if found["collective_count"] else 0
    del found["collective_bytes_per_s"]
    return Activity(
        name=name,
        start_s=(start - since) / PS_PER_S,
        duration_s=(end - start) / PS_PER_S,
        busy_s=busy / PS_PER_S,
        idle_s=(end - start - busy) / PS_PER_S,
        **found,
        **_kernels(of, window),
        **_idle(of, window),
    )


def _copies(work: Work, window: Interval, prefix: str) -> dict[str, Any]:
    begun = work.begun(window)
    covered, exposed = work.cover.between(*window), work.exposed.between(*window)
    return {
        f"{prefix}_count": begun.stop - begun.start,
        f"{prefix}_s": work.clipped_ps(window) / PS_PER_S,
        f"{prefix}_bytes": work.bytes(begun),
        f"{prefix}_bytes_per_s": work.bytes_per_s(begun),
        f"{prefix}_exposed_s": exposed / PS_PER_S,
        f"{prefix}_overlapped_s": (covered - exposed) / PS_PER_S,
    }


def _memory(work: Work, window: Interval, prefix: str) -> dict[str, int | None]:
    begun = work.begun(window)
    found: dict[str, int | None] = {}
    for word, memory in (("pageable", HostMemory.PAGEABLE), ("pinned", HostMemory.PINNED)):
        count, size = work.from_memory(begun, memory)
        found |= {f"{prefix}_{word}_count": count, f"{prefix}_{word}_bytes": size}
    return found


def _kernels(of: Measured, window: Interval) -> dict[str, Any]:
    work = of.gpu.kernels
    begun = work.begun(window)
    lengths: Ints = work.events.end[begun] - work.events.start[begun]
    delays = of.delay[begun]
    delays = delays[delays != NEVER]
    whole = int(lengths.sum())
    return {
        "kernel_count": len(lengths),
        "kernel_s": work.clipped_ps(window) / PS_PER_S,
        "kernel_busy_s": work.cover.between(*window) / PS_PER_S,
        "kernel_median_s": float(np.median(lengths)) / PS_PER_S if len(lengths) else None,
        "graph_count": int(work.events.graph[begun].sum()),
        "launch_delay_median_s": float(np.median(delays)) / PS_PER_S if len(delays) else None,
        "launch_delay_p95_s": float(np.percentile(delays, 95)) / PS_PER_S if len(delays) else None,
        "compute_16bit_fraction": int(lengths[of.sixteen[begun]].sum()) / whole if whole else None,
        "tensor_core_fraction": int(lengths[of.tensor[begun]].sum()) / whole if whole else None,
    }


def _idle(of: Measured, window: Interval) -> dict[str, Any]:
    def seconds(part: Cover) -> float:
        return part.between(*window) / PS_PER_S

    return {
        "idle_input_s": seconds(of.idle.input) if of.knows_input else None,
        "idle_host_s": seconds(of.idle.host) if of.knows_calls else None,
        "idle_kernel_s": seconds(of.idle.kernel),
        "idle_other_s": seconds(of.idle.other),
    }
