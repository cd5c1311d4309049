"""The samples that the driver keeps by itself: finer than polling, and each with its own time."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

from gputune.sensors import metrics
from gputune.sensors.nvml_devices import Device
from gputune.sensors.nvml_errors import Asker
from gputune.sensors.protocol import Point, Reading

EVERY_S: Final = 0.5
_LONGEST_S: Final = 1.0
"""What nvml.h gives as the longest sample period."""
_FAR_S: Final = 3600.0
"""A sample that lies further from now than this has no time of this clock."""
# Metric, the package's constant for its kind of sample, and what one of NVML's units is in ours.
_KINDS: Final = (
    (metrics.BUFFERED_UTILIZATION, "NVML_GPU_UTILIZATION_SAMPLES", 1.0),
    (metrics.BUFFERED_POWER, "NVML_TOTAL_POWER_SAMPLES", 1e-3),
)
_FIELDS: Final = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""By NVML_VALUE_TYPE_…."""


class Buffered:
    """Empties the driver's buffers of one device."""

    def __init__(self, nvml: Any, index: int, device: Device, asker: Asker) -> None:
        self._nvml, self._index, self._device, self._asker = nvml, index, device, asker
        self._last_us: dict[str, int] = {}

    def drain(self) -> list[Reading]:
        """Return what came since the last call; at the first, all that the driver still has."""
        found: list[Reading] = []
        for metric, constant, unit in _KINDS:
            answer = self._asker.ask(metric, partial(self._samples, metric, constant))
            if answer is not None:
                found += self._readings(metric, unit, *answer)
        return found

    def _samples(self, metric: str, constant: str) -> tuple[int, list[Any]]:
        nvml = self._nvml
        try:
            answer: tuple[int, list[Any]] = nvml.nvmlDeviceGetSamples(
                self._device.handle, getattr(nvml, constant), self._last_us.get(metric, 0)
            )
        except Exception as error:
            if type(error).__name__ == "NVMLError_NotFound":  # nothing new
                return 0, []
            raise
        return answer

    def _readings(self, metric: str, unit: float, kind: int, samples: list[Any]) -> list[Reading]:
        """Put the samples on the clock of the steps: NVML's is Unix time in microseconds.

        A sample is taken for the mean since the one before it, so the first of all only begins.
        """
        ahead_s = time.time() - time.perf_counter()
        now = time.perf_counter()
        before = self._last_us.get(metric)
        found = []
        for one in sorted(samples, key=lambda sample: int(sample.timeStamp)):
            at_us = int(one.timeStamp)
            t = at_us / 1e6 - ahead_s
            if abs(t - now) > _FAR_S or (before is not None and at_us <= before):
                continue
            if before is not None:
                since = t - min((at_us - before) / 1e6, _LONGEST_S)
                value = float(getattr(one.sampleValue, _FIELDS[kind])) * unit
                found.append(Reading(self._index, metric, Point(t, value, since)))
            before = at_us
        if before is not None:
            self._last_us[metric] = before
        return found
