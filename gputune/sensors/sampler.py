"""Samples the sensors in a thread of gputune's own process, never in the user's."""

from __future__ import annotations

import threading
import time
from typing import TypeVar

from gputune.sensors.protocol import GpuSample, GpuSensor, HostSample, HostSensor

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
        """Why sampling ended early; empty where it did not."""
        self._gpu, self._host = gpu, host
        self._gpu_s, self._host_s = 1.0 / gpu_hz, 1.0 / host_hz
        self._gpu_samples: list[GpuSample] = []
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
    def gpu_samples(self) -> tuple[GpuSample, ...]:
        """The samples so far, oldest first."""
        return tuple(self._gpu_samples)

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
                    self._gpu_samples.extend(self._gpu.sample())
                    _thin(self._gpu_samples, len(self._gpu.gpus))
                    next_gpu = max(next_gpu + self._gpu_s, now)
                if self._host is not None and now >= next_host:
                    self._host_samples.append(self._host.sample())
                    _thin(self._host_samples, 1)
                    next_host = max(next_host + self._host_s, now)
        except Exception as error:
            # A sensor that fails must not take gputune with it, but the report says so.
            self.failure = f"sampling ended early: {error!r}"


def _thin(samples: list[_T], group: int) -> None:
    """Halve the samples where they are too many; `group` of them belong to one moment."""
    if len(samples) > _MOST * group:
        samples[:] = [one for at, one in enumerate(samples) if (at // group) % 2]
