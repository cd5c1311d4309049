"""A trace -> the Trace report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gputune.schema.profile import Unavailable
from gputune.schema.trace import Activity, StreamSeen, TraceDevice, TraceReport
from gputune.trace import kernels
from gputune.trace.columns import base_ps
from gputune.trace.device import Device, gpu_planes, read_device
from gputune.trace.gpu import streams
from gputune.trace.host import Host, read_host
from gputune.trace.host_summary import trace_host
from gputune.trace.intervals import Interval
from gputune.trace.measure import Measured, activity, measured
from gputune.trace.names import Kind
from gputune.trace.steps import FROM_MARKERS, FROM_TRACE, Steps, steps_of
from gputune.trace.verdict import verdict
from gputune.trace.xplane import PS_PER_S, Trace

_NO_CALLS: Final = (
    "the trace has no launch calls with the correlation ids of what ran on the device"
)
_NO_WAITS: Final = "the trace has no GetNext events of the host"
_NO_SIZES: Final = "a copy does not tell its size"
_NO_MEMORY: Final = "the copies do not tell their kind of memory (files until TensorFlow 2.4)"


@dataclass
class _Said:
    """What the reader is told beside the figures."""

    notes: list[str] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)


def trace_report(
    trace: Trace, *, file: str, file_bytes: int, notes: tuple[str, ...] = ()
) -> TraceReport:
    """What the trace shows of each GPU and of the host.

    `file` and `file_bytes` are said in the report, as are `notes`, before its own. Raises
    UnreadableTrace where events are damaged.
    """
    base = base_ps(trace)
    host = read_host(trace, base)
    said = _Said([*notes, *_profilers_words(trace)])
    read = [read_device(index, plane, base) for index, plane in gpu_planes(trace)]
    capture = _capture(read)
    working = sum(device.extent is not None for device in read)
    devices: list[TraceDevice] = []
    read.reverse()
    while read:
        # Each is let go before the next one is sorted into its kinds.
        devices.append(_device(read.pop(), len(devices), host, capture, said, alone=working == 1))
    if not devices:
        said.notes.append("the trace holds no GPU: it shows the host alone")
        said.unavailable["devices"] = "the trace holds no GPU"
    shown = trace_host(trace, host, file=file, detailed=not working)
    said.unavailable |= shown.unavailable
    return TraceReport(
        file=file,
        file_bytes=file_bytes,
        started_unix_s=None if trace.epoch_ns is None else trace.epoch_ns / 1e9,
        verdict=verdict(tuple(devices), shown.record),
        devices=tuple(devices),
        host=shown.record,
        notes=tuple(dict.fromkeys(said.notes)),
        unavailable=tuple(
            Unavailable(metric=metric, reason=reason) for metric, reason in said.unavailable.items()
        ),
    )


def _profilers_words(trace: Trace) -> Iterator[str]:
    for text in trace.errors:
        yield f"error of the profiler: {text}"
    for text in trace.warnings:
        yield f"warning of the profiler: {text}"


def _capture(devices: list[Device]) -> Interval:
    """From the first to the last event of all GPUs; empty where none did anything."""
    extents = [extent for device in devices if (extent := device.extent) is not None]
    if not extents:
        return 0, 0
    return min(start for start, _ in extents), max(end for _, end in extents)


def _device(
    device: Device, at: int, host: Host, capture: Interval, said: _Said, *, alone: bool
) -> TraceDevice:
    steps = steps_of(device, host, alone=alone)
    windows = [window for _, window in steps.windows]
    axis = (
        min(start for start, _ in [capture, *windows]),
        max(end for _, end in [capture, *windows]),
    )
    gpu = streams(device)
    found = measured(gpu, host, axis)
    whole = activity(found, capture, since=capture[0])
    _explain(found, whole, steps, f"devices[{at}]", said)
    ran = gpu.kernels.events
    stats = device.stats
    return TraceDevice(
        name=device.plane,
        index=device.index,
        gpu_name=_text(stats.get("gpu_device_name")),
        compute_capability=_capability(device),
        memory_bytes=_whole(stats.get("memory_size")),
        steps_source=steps.source,
        steps=tuple(
            activity(found, window, name=name, since=capture[0]) for name, window in steps.windows
        ),
        capture=whole,
        streams=tuple(
            StreamSeen(name=one.name, event_count=one.count, busy_s=one.busy_ps / PS_PER_S)
            for one in device.streams
        ),
        top_kernels=kernels.top_kernels(device, ran),
        top_ops=kernels.top_ops(device, ran),
        top_op_types=kernels.top_op_types(device, ran),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _capability(device: Device) -> str | None:
    major, minor = (_whole(device.stats.get(f"compute_cap_{part}")) for part in ("major", "minor"))
    return None if major is None or minor is None else f"{major}.{minor}"


def _explain(of: Measured, whole: Activity, steps: Steps, path: str, said: _Said) -> None:
    """Say why what is None is None, and what the figures do not show."""
    if not len(of.gpu.device.events):
        said.unavailable[path] = "the GPU did nothing in the trace"
        return
    if steps.source is None:
        said.unavailable[f"{path}.steps"] = steps.reason
    for field_, reason in _missing(of, whole):
        said.unavailable[f"{path}.{field_}"] = reason
    name = of.gpu.device.plane
    if whole.graph_count:
        said.notes.append(
            f"{name}: {whole.graph_count} of the kernels are whole CUDA graphs; what runs inside "
            "a graph is not in the trace"
        )
    others = of.gpu.copies[Kind.OTHER_COPY]
    if len(others.events):
        said.notes.append(
            f"{name}: {len(others.events)} copies of other kinds (MemcpyOther) count as busy only"
        )
    if steps.source == FROM_MARKERS:
        said.notes.append(
            "the steps are the host's markers: what a step launches late may run in the next one"
        )
    elif steps.source not in (FROM_TRACE, None):
        said.notes.append("the trace marks no steps: a step is the time from GetNext to GetNext")


def _missing(of: Measured, whole: Activity) -> Iterator[tuple[str, str]]:
    if not of.knows_input:
        yield "idle_input_s", _NO_WAITS
    if not of.knows_calls:
        yield "idle_host_s", _NO_CALLS
    if not whole.kernel_count:
        yield "kernel_median_s", "no kernel ran"
        yield "launch_delay_median_s", "no kernel ran"
    elif whole.launch_delay_median_s is None:
        yield "launch_delay_median_s", _NO_CALLS
    for prefix in ("h2d", "d2h", "d2d", "p2p", "memset"):
        if getattr(whole, f"{prefix}_bytes") is None:
            yield f"{prefix}_bytes", _NO_SIZES
    for prefix in ("h2d", "d2h"):
        if getattr(whole, f"{prefix}_count") and getattr(whole, f"{prefix}_pageable_count") is None:
            yield f"{prefix}_pageable_bytes", _NO_MEMORY
    if whole.collective_count:
        yield "collective_bytes", "a trace does not tell how much a collective moves"
