"""The Trace report: what a trace of TensorFlow's profiler shows of each GPU, and of the host.

A quantity that the trace does not show is None, and `TraceReport.unavailable` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gputune.schema.notebook import Shown
from gputune.schema.profile import Unavailable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One GPU over one window: a step, or the whole capture. Times are seconds.

    A count and its bytes are of the events that *began* in the window; `_s` is their summed
    duration over all streams, clipped to the window, so it can exceed the window. `_exposed_s` is
    the time in which nothing hid them: for `h2d` that no kernel ran; for `d2h` no kernel and no
    `h2d` copy; for `d2d`, `p2p`, `memset` none of the kinds before it either. `_overlapped_s` is
    the rest of the time that they cover. `collective` are the kernels that exchange values between
    GPUs (NCCL); they count as kernels too, and are exposed where no other kernel runs.

    `busy_s` is the time that kernels, copies and memsets cover together, `idle_s` the rest of
    `duration_s`. It splits, exclusively and without a remainder, into `idle_input_s` (the host was
    inside GetNext meanwhile), `idle_host_s` (what ended the gap was launched only after the gap
    had begun: the host wait of Holistic Trace Analysis), `idle_kernel_s` (a short gap before work
    that was launched already) and `idle_other_s`.
    """

    name: str = ""
    """The step's name or number; empty for the capture."""
    start_s: float
    """Since the capture began."""
    duration_s: float
    kernel_count: int
    kernel_s: float
    kernel_busy_s: float
    """The time that kernels cover: streams that run at once count once."""
    kernel_median_s: float | None = None
    graph_count: int = 0
    """CUDA graphs among the kernels: each is one event, whose kernels the trace does not hold."""
    h2d_count: int
    h2d_s: float
    h2d_bytes: int | None
    h2d_bytes_per_s: float | None = None
    h2d_exposed_s: float
    h2d_overlapped_s: float
    h2d_pageable_count: int | None = None
    h2d_pageable_bytes: int | None = None
    h2d_pinned_count: int | None = None
    h2d_pinned_bytes: int | None = None
    d2h_count: int
    d2h_s: float
    d2h_bytes: int | None
    d2h_bytes_per_s: float | None = None
    d2h_exposed_s: float
    d2h_overlapped_s: float
    d2h_pageable_count: int | None = None
    d2h_pageable_bytes: int | None = None
    d2h_pinned_count: int | None = None
    d2h_pinned_bytes: int | None = None
    d2d_count: int
    d2d_s: float
    d2d_bytes: int | None
    d2d_bytes_per_s: float | None = None
    d2d_exposed_s: float
    d2d_overlapped_s: float
    p2p_count: int
    p2p_s: float
    p2p_bytes: int | None
    p2p_bytes_per_s: float | None = None
    p2p_exposed_s: float
    p2p_overlapped_s: float
    memset_count: int
    memset_s: float
    memset_bytes: int | None
    memset_bytes_per_s: float | None = None
    memset_exposed_s: float
    memset_overlapped_s: float
    collective_count: int
    collective_s: float
    collective_bytes: int | None = None
    """0 without collectives, else None: a trace does not tell how much they move."""
    collective_exposed_s: float
    collective_overlapped_s: float
    busy_s: float
    idle_s: float
    idle_input_s: float | None
    idle_host_s: float | None
    idle_kernel_s: float
    idle_other_s: float
    launch_delay_median_s: float | None = None
    """From the start of a kernel's launch call to its own: the time in the queue is in it."""
    launch_delay_p95_s: float | None = None
    compute_16bit_fraction: float | None = None
    """Share of the kernels' time that computes on 16-bit floating-point numbers."""
    tensor_core_fraction: float | None = None
    """Share of the kernels' time in kernels that run on tensor cores, by their names."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A kernel, an operation or a type of operations, by its summed time on the device."""

    name: str
    count: int
    total_s: float
    fraction: float
    """Of the summed time of all kernels."""


@dataclass(frozen=True, kw_only=True)
class StreamSeen:
    """One stream of a GPU: its events, and the time that they cover."""

    name: str
    event_count: int
    busy_s: float


@dataclass(frozen=True, kw_only=True)
class TraceDevice:
    """One GPU of the trace; one that did nothing has a capture of zeros and no steps."""

    name: str
    """The plane's name: `/device:GPU:4`."""
    index: int
    gpu_name: str | None = None
    """The product's name, in traces of TensorFlow 2.16 and newer."""
    compute_capability: str | None = None
    memory_bytes: int | None = None
    steps_source: str | None = None
    """`trace` (the derived line `Steps`), `host markers`, `GetNext`, or None without steps."""
    steps: tuple[Activity, ...] = ()
    capture: Activity
    """From the first to the last event of all GPUs in the trace: one window for all of them."""
    streams: tuple[StreamSeen, ...] = ()
    top_kernels: tuple[Ranked, ...] = ()
    top_ops: tuple[Ranked, ...] = ()
    top_op_types: tuple[Ranked, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostOp:
    """All runs of one type of operation on the host's threads."""

    name: str
    count: int
    total_s: float


@dataclass(frozen=True, kw_only=True)
class HostStep:
    """The mean step on the host, by what it did: exclusive parts that sum to `step_s`."""

    count: int
    step_s: float | None = None
    ops_s: float | None = None
    input_s: float | None = None
    dispatch_s: float | None = None
    python_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class HostStage:
    """One stage of an input pipeline as TensorFlow ran it; `depth` 0 is next to the model."""

    op: str
    names: tuple[str, ...] = ()
    depth: int
    count: int
    """Calls that ended in the trace."""
    total_s: float
    exclusive_s: float
    """Without the stages that it asked on the same thread."""
    function_s: float | None = None
    """The time of threads in the stage's function; None where it has none."""
    python: bool = False


@dataclass(frozen=True, kw_only=True)
class TraceHost:
    """The host's side of the trace. Times are seconds; None where the trace does not show it."""

    name: str
    thread_count: int = 0
    event_count: int = 0
    duration_s: float | None = None
    get_next_count: int = 0
    get_next_s: float | None = None
    """Summed duration of the waits for the next element, over all threads."""
    step: HostStep | None = None
    pipeline: tuple[HostStage, ...] = ()
    top_op_types: tuple[HostOp, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TraceReport(Shown):
    """What one trace file shows. Written as JSON with `schema` and `version`."""

    SCHEMA: ClassVar[str] = "gputune.trace"
    VERSION: ClassVar[int] = 1

    file: str
    file_bytes: int
    started_unix_s: float | None = None
    """When the profiler started; None in older files."""
    verdict: str
    """One sentence: what the busiest GPU did, and what it waited for."""
    devices: tuple[TraceDevice, ...] = ()
    host: TraceHost
    notes: tuple[str, ...] = ()
    """What a reader should know of this trace: hosts left out, graphs, the profiler's warnings."""
    unavailable: tuple[Unavailable, ...] = ()
    """`metric` names a field of `devices[N].capture` and of its steps as `devices[N].field`."""

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas with one row for each figure: `metric`, `value`, `unit`.

        `metric` is the figure's path in the JSON, `value` None where the trace does not show it.
        """
        from gputune.schema.frame import to_frame

        return to_frame(self)
