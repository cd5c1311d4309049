"""What a sensor gives, whatever stands behind it. Times `t` are seconds of perf_counter()."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, kw_only=True)
class GpuInfo:
    """A GPU that the script can see, and what does not change; `index` is its number there.

    The fields are those of `schema.gpu.Gpu`; what could not be read is None.
    """

    index: int
    name: str
    uuid: str | None = None
    mig: bool = False
    compute_capability: str | None = None
    power_limit_w: float | None = None
    sm_clock_max_mhz: float | None = None
    pcie_generation_max: int | None = None
    pcie_width_max: int | None = None


class Point(NamedTuple):
    """A value of a metric at the moment `t`; with `since`, its mean from there to `t`."""

    t: float
    value: float
    since: float | None = None


class Reading(NamedTuple):
    """A point of one metric of the GPU of that number. The metric's name carries its unit."""

    gpu: int
    metric: str
    point: Point


Timelines = Mapping[tuple[int, str], Sequence[Point]]
"""For each GPU and metric its points, oldest first."""


@dataclass(frozen=True, kw_only=True)
class HostSample:
    """One look at the host and at the script's process tree; what could not be read is None.

    The percentages are means from `since` to `t`, of all usable cores: 100 is every core busy.
    `rss_bytes` sums over the tree, so pages that processes share count more than once.
    `read_bytes` is what the tree read from storage since the sensor was made.
    """

    since: float
    t: float
    cpu_percent: float | None = None
    process_cpu_percent: float | None = None
    rss_bytes: int | None = None
    read_bytes: int | None = None


class GpuSensor(Protocol):
    """The GPUs that the script can see."""

    @property
    def gpus(self) -> tuple[GpuInfo, ...]:
        """The GPUs, in the script's order; empty where there are none."""

    @property
    def absent(self) -> str:
        """Why there is no GPU; empty where there is one."""

    @property
    def reasons(self) -> Mapping[tuple[int, str], str]:
        """Why a metric of a GPU has no value."""

    @property
    def lost(self) -> Mapping[int, float]:
        """The GPUs that were lost, and when they were found to be."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know."""

    def follow(self, pid: int) -> None:
        """Say which process is the script: those on the GPU outside its tree are others."""

    def sample(self) -> Sequence[Reading]:
        """What is due now: to be called some twenty times a second. Never raises."""

    def flush(self) -> Sequence[Reading]:
        """What would have come later: to be called once, at the end. Never raises."""

    def close(self) -> None:
        """Let go of the driver; later samples are empty."""


class HostSensor(Protocol):
    """The host and the script's process tree."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why a metric has no value, by the name of its field."""

    def sample(self) -> HostSample:
        """One sample, now. Never raises."""


class NullGpuSensor:
    """Stands where no GPU can be read; `absent` says why."""

    def __init__(self, reason: str) -> None:
        self.absent = reason
        self.gpus: tuple[GpuInfo, ...] = ()
        self.reasons: Mapping[tuple[int, str], str] = {}
        self.lost: Mapping[int, float] = {}
        self.notes: tuple[str, ...] = ()

    def follow(self, pid: int) -> None:
        """Nothing to follow."""

    def sample(self) -> tuple[Reading, ...]:
        """No readings."""
        return ()

    def flush(self) -> tuple[Reading, ...]:
        """No readings."""
        return ()

    def close(self) -> None:
        """Nothing to close."""
