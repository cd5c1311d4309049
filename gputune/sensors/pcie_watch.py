"""What crosses the PCIe link, where GPM does not say: a blocking call, in its own thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Final

from gputune.sensors import metrics
from gputune.sensors.nvml_devices import Device
from gputune.sensors.nvml_errors import Asker
from gputune.sensors.protocol import Point, Reading

_EVERY_S: Final = 1.0
_UNIT: Final = 1000.0
"""NVML counts in kB/s."""
_KINDS: Final = (
    (metrics.PCIE_RX, "NVML_PCIE_UTIL_RX_BYTES"),
    (metrics.PCIE_TX, "NVML_PCIE_UTIL_TX_BYTES"),
)


class PcieWatch:
    """Looks at the link once a second for 20 ms in each direction, and so misses bursts."""

    def __init__(self, nvml: Any, index: int, device: Device, asker: Asker) -> None:
        self._nvml, self._index, self._device, self._asker = nvml, index, device, asker
        self._readings: deque[Reading] = deque()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"gputune-pcie-{index}", daemon=True)
        self._thread.start()

    def take(self) -> list[Reading]:
        """Return what was read since the last call."""
        taken = []
        while self._readings:
            taken.append(self._readings.popleft())
        return taken

    def close(self, timeout_s: float = 2.0) -> bool:
        """End the thread; False where the driver still holds it."""
        self._end.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._end.is_set():
            begun = time.perf_counter()
            for metric, constant in _KINDS:
                self._look(metric, constant)
            if all(self._asker.gone(metric) for metric, _ in _KINDS):
                return
            self._end.wait(max(0.0, begun + _EVERY_S - time.perf_counter()))

    def _look(self, metric: str, constant: str) -> None:
        nvml, since = self._nvml, time.perf_counter()
        rate = self._asker.ask(
            metric,
            lambda: nvml.nvmlDeviceGetPcieThroughput(self._device.handle, getattr(nvml, constant)),
        )
        if rate is not None:
            point = Point(time.perf_counter(), rate * _UNIT, since)
            self._readings.append(Reading(self._index, metric, point))
