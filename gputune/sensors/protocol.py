"""What a sensor gives, whatever stands behind it. Times `t` are seconds of perf_counter()."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class GpuInfo:
    """A GPU that the script can see; `index` is its number there, as in `GPU:0`."""

    index: int
    name: str
    uuid: str | None = None


@dataclass(frozen=True, kw_only=True)
class GpuSample:
    """One look at one GPU; what could not be read is None.

    `utilization_percent` is the driver's: the share of its last sample period (1/6 s to 1 s)
    with at least one kernel running.
    """

    t: float
    index: int
    utilization_percent: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None


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
    def reasons(self) -> Mapping[str, str]:
        """Why a metric has no value: `utilization_percent` -> «Not Supported (GPU 0)».

        The key `gpus` says why there is no GPU at all.
        """

    def sample(self) -> tuple[GpuSample, ...]:
        """One sample of each GPU, now. Never raises."""

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
    """Stands where no GPU can be read; `reasons["gpus"]` says why."""

    def __init__(self, reason: str) -> None:
        self.gpus: tuple[GpuInfo, ...] = ()
        self.reasons: Mapping[str, str] = {"gpus": reason}

    def sample(self) -> tuple[GpuSample, ...]:
        """No samples."""
        return ()

    def close(self) -> None:
        """Nothing to close."""
