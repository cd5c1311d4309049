"""What a trace says of a fit, in one record."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.schema.trace import Activity
from gputune.trace.gpu import GpuActivity
from gputune.trace.host_ops import HostSteps
from gputune.trace.iterators import IteratorTree


@dataclass(frozen=True, kw_only=True)
class TraceFacts:
    """What the trace of the analysed fit showed; `reason` says why there is none."""

    host: HostSteps | None = None
    tree: IteratorTree | None = None
    gpu: GpuActivity | None = None
    """The first GPU that worked."""
    gpus: tuple[tuple[int, GpuActivity], ...] = ()
    """Each GPU that worked, by TensorFlow's number of it."""
    activities: tuple[tuple[int, Activity], ...] = ()
    """All figures of the same GPUs, over the traced steps together."""
    steps: int = 0
    reason: str = ""
