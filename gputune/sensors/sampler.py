"""Samples the sensors in a thread of gputune's own process, never in the user's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from gputune.sensors.protocol import GpuSensor, HostSample, HostSensor, Point, Reading
from gputune.sensors.timelines import Timelines

_T = TypeVar("_T")
_MOST = 100_000
"""Samples kept of one kind; beyond it every second one is dropped, so that a run of days fits."""


class Sampler:
    """Collects samples from `start` to `stop`, each stamped with time.perf_counter()."""

    def __init__(
        self,
        gpu: GpuSensor,
        host: HostSensor | None = None,
        *,
        gpu_hz: float = 20.0,
        host_hz: float = 4.0,
    ) -> None:
        self.failure = ""
        """Why the host was not sampled to the end; empty where it was."""
        self.gpu_failure = ""
        """The same of the GPUs."""
        self._gpu, self._host = gpu, host
        self._gpu_s, self._host_s = 1.0 / gpu_hz, 1.0 / host_hz
        self._timelines = Timelines()
        self._host_samples: list[HostSample] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gputune-sampler", daemon=True)

    def start(self) -> None:
        """Begin sampling."""
        self._thread.start()

    def stop(self) -> None:
        """End sampling, after the sample under way. May be called more than once."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    @property
    def gpu_points(self) -> dict[tuple[int, str], tuple[Point, ...]]:
        """What was read of each GPU so far, by its number and the metric."""
        return self._timelines.points()

    @property
    def host_samples(self) -> tuple[HostSample, ...]:
        """The samples so far, oldest first."""
        return tuple(self._host_samples)

    def _run(self) -> None:
        gpus = bool(self._gpu.gpus)
        if not gpus and self._host is None:
            return
        now = time.perf_counter()
        next_gpu = now if gpus else float("inf")
        next_host = now + self._host_s if self._host is not None else float("inf")
        try:
            while not self._end.wait(max(0.0, min(next_gpu, next_host) - time.perf_counter())):
                now = time.perf_counter()
                if now >= next_gpu:
                    read = self._read_gpus(self._gpu.sample)
                    next_gpu = max(next_gpu + self._gpu_s, now) if read else float("inf")
                if self._host is not None and now >= next_host:
                    self._host_samples.append(self._host.sample())
                    _thin(self._host_samples)
                    next_host = max(next_host + self._host_s, now)
        except Exception as error:
            # A sensor that fails must not take gputune with it, but the report says so.
            self.failure = f"sampling ended early: {error!r}"
        if next_gpu < float("inf"):
            self._read_gpus(self._gpu.flush)

    def _read_gpus(self, read: Callable[[], Sequence[Reading]]) -> bool:
        try:
            self._timelines.extend(read())
        except Exception as error:
            self.gpu_failure = f"sampling ended early: {error!r}"
        return not self.gpu_failure


def _thin(samples: list[_T]) -> None:
    """Halve the samples where they are too many."""
    if len(samples) > _MOST:
        samples[:] = samples[1::2]
