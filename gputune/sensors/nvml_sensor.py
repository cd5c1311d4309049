"""The GPUs that the script can see, through NVML: each metric as often as it is worth asking."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from gputune.sensors import buffered, gpm, gpu_processes
from gputune.sensors.buffered import Buffered
from gputune.sensors.gpm import Gpm, open_gpm
from gputune.sensors.gpu_processes import Family, GpuProcesses
from gputune.sensors.nvml_devices import Device, attempt, describe
from gputune.sensors.nvml_errors import Asker
from gputune.sensors.nvml_metrics import QUESTIONS, poll
from gputune.sensors.pcie_watch import PcieWatch
from gputune.sensors.protocol import Reading

_EARLY_S = 0.005
"""So much too early is due: else a timer that comes a little early halves the rate."""
_PATIENCE_S = 2.0


class Schedule:
    """When things are next to be done, by name; the first time at once."""

    def __init__(self) -> None:
        self._next: dict[object, float] = {}

    def due(self, what: object, every_s: float, now: float) -> bool:
        """Whether it is time for it again; then the next time is set."""
        planned = self._next.get(what, now)
        if now < planned - _EARLY_S:
            return False
        # Held up for longer than that, it begins anew.
        self._next[what] = planned + every_s if now < planned + every_s else now + every_s
        return True


class Watched:
    """One device, and what reads it."""

    def __init__(self, nvml: Any, index: int, device: Device, *, wsl2: bool) -> None:
        self._nvml, self._index, self._device = nvml, index, device
        self.asker = Asker(mig=device.mig, wsl2=wsl2)
        self.info = describe(nvml, index, device, self.asker)
        self._schedule = Schedule()
        self._gpm: Gpm | None = open_gpm(nvml, index, device, self.asker)
        self._buffered = Buffered(nvml, index, device, self.asker)
        self._pcie: PcieWatch | None = None

    def sample(self, now: float, processes: GpuProcesses | None) -> list[Reading]:
        """Return what is due now."""
        due = self._schedule.due
        questions = [one for one in QUESTIONS if due(one, one.every_s, now)]
        found = list(poll(self._nvml, self._index, self._device, self.asker, questions))
        if self._gpm is not None and due("gpm", gpm.EVERY_S, now):
            found += self._gpm.read()
        if due("buffered", buffered.EVERY_S, now):
            found += self._buffered.drain()
        if processes is not None and due("processes", gpu_processes.EVERY_S, now):
            found += processes.read(self._nvml, self._index, self._device, self.asker)
        return found + self._link()

    def flush(self) -> list[Reading]:
        """Return what a later sample would have brought."""
        found = self._gpm.read() if self._gpm is not None else []
        return found + self._buffered.drain() + (self._pcie.take() if self._pcie else [])

    def close(self) -> bool:
        """End what runs; False where the driver still holds a thread of ours."""
        if self._pcie is not None and not self._pcie.close(_PATIENCE_S):
            return False
        if self._gpm is not None:
            self._gpm.close()
            self._gpm = None
        return True

    def _link(self) -> list[Reading]:
        if self._pcie is None:
            if self._device.mig or (self._gpm is not None and self._gpm.pcie):
                return []
            self._pcie = PcieWatch(self._nvml, self._index, self._device, self.asker)
        return self._pcie.take()


class NvmlGpuSensor:
    """Samples the given devices, numbered from 0 in their order."""

    absent = ""

    def __init__(
        self, nvml: Any, devices: Sequence[Device], *, wsl2: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self._nvml = nvml
        self._lock = threading.Lock()
        self._watched = [
            Watched(nvml, index, device, wsl2=wsl2) for index, device in enumerate(devices)
        ]
        self._open = True
        self._processes: GpuProcesses | None = None
        self.gpus = tuple(one.info for one in self._watched)
        self.notes = notes

    @property
    def reasons(self) -> dict[tuple[int, str], str]:
        """Why a metric of a GPU has no value."""
        return {
            (index, metric): reason
            for index, one in enumerate(self._watched)
            for metric, reason in list(one.asker.reasons.items())
        }

    @property
    def lost(self) -> dict[int, float]:
        """The GPUs that were lost, and when they were found to be."""
        found = {index: one.asker.lost_at for index, one in enumerate(self._watched)}
        return {index: at for index, at in found.items() if at is not None}

    def follow(self, pid: int) -> None:
        """Say which process is the script."""
        self._processes = GpuProcesses(Family(pid).has)

    def sample(self) -> list[Reading]:
        """What is due now; empty after `close`."""
        with self._lock:
            now = time.perf_counter()
            watched = self._watched if self._open else []
            return [r for one in watched for r in one.sample(now, self._processes)]

    def flush(self) -> list[Reading]:
        """What would have come later."""
        with self._lock:
            return [r for one in self._watched if self._open for r in one.flush()]

    def close(self) -> None:
        """Let go of the driver, unless it holds a call of ours: then that would crash."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            if self._open:
                self._open = False
                if all([one.close() for one in self._watched]):
                    attempt(self._nvml, "nvmlShutdown")
        finally:
            self._lock.release()
