"""GPM, the driver's performance counters of Hopper and newer: means between two samples."""

from __future__ import annotations

import math
import time
from typing import Any, Final

from gputune.sensors import metrics
from gputune.sensors.nvml_devices import Device, attempt
from gputune.sensors.nvml_errors import Asker
from gputune.sensors.protocol import Point, Reading

EVERY_S: Final = 0.1
NOT_BEFORE_HOPPER: Final = "needs GPM, which came with compute capability 9.0 (Hopper)"
NO_GPM: Final = "the driver has no GPM for this GPU"
_MIB: Final = float(1 << 20)
# Metric, the package's constant for its number, and what one of NVML's units is in ours.
_METRICS: Final = (
    (metrics.SM_ACTIVE, "NVML_GPM_METRIC_SM_UTIL", 1.0),
    (metrics.SM_OCCUPANCY, "NVML_GPM_METRIC_SM_OCCUPANCY", 1.0),
    (metrics.TENSOR_ACTIVE, "NVML_GPM_METRIC_ANY_TENSOR_UTIL", 1.0),
    (metrics.DRAM_ACTIVE, "NVML_GPM_METRIC_DRAM_BW_UTIL", 1.0),
    (metrics.PCIE_TX, "NVML_GPM_METRIC_PCIE_TX_PER_SEC", _MIB),
    (metrics.PCIE_RX, "NVML_GPM_METRIC_PCIE_RX_PER_SEC", _MIB),
)
_OWN: Final = (metrics.SM_ACTIVE, metrics.SM_OCCUPANCY, metrics.TENSOR_ACTIVE, metrics.DRAM_ACTIVE)
"""What nothing else can say."""
_SAMPLE: Final = "gpm_sample"


class Gpm:
    """Takes a sample at each `read`, and asks for the means since the one before."""

    def __init__(self, nvml: Any, index: int, device: Device, asker: Asker) -> None:
        self._nvml, self._index, self._device, self._asker = nvml, index, device, asker
        self._samples: list[Any] = []
        self._taken: float | None = None
        """When the first of the two samples was taken."""
        self.pcie = True
        """Whether the traffic on the link comes from here."""
        self._question = nvml.c_nvmlGpmMetricsGet_t()
        self._question.version = nvml.NVML_GPM_METRICS_GET_VERSION
        self._question.numMetrics = len(_METRICS)
        for at, (_, number, _) in enumerate(_METRICS):
            self._question.metrics[at].metricId = getattr(nvml, number)
        for _ in range(2):
            self._samples.append(nvml.nvmlGpmSampleAlloc())

    def read(self) -> list[Reading]:
        """Return the means since the last call; none at the first."""
        if self._asker.gone(_SAMPLE) or not self._samples:
            return []
        before = self._taken
        taken = self._asker.ask(_SAMPLE, self._take)
        if taken is None:
            self._without_samples()
            return []
        self._taken = taken
        self._samples.reverse()
        if before is None:
            return []
        answer = self._asker.ask(_SAMPLE, self._ask)
        if answer is None:
            self._without_samples()
            return []
        return self._readings(answer, before, taken)

    def close(self) -> None:
        """Give the samples' memory back."""
        for sample in self._samples:
            attempt(self._nvml, "nvmlGpmSampleFree", sample)
        self._samples = []

    def _take(self) -> float:
        """Overwrite the older sample, which stands last."""
        sample = self._samples[-1]
        if self._device.mig:
            instance = self._device.gpu_instance
            self._nvml.nvmlGpmMigSampleGet(self._device.chip, instance, sample)
        else:
            self._nvml.nvmlGpmSampleGet(self._device.handle, sample)
        return time.perf_counter()

    def _ask(self) -> Any:
        self._question.sample1, self._question.sample2 = self._samples[1], self._samples[0]
        return self._nvml.nvmlGpmMetricsGet(self._question)

    def _readings(self, answer: Any, since: float, t: float) -> list[Reading]:
        found = []
        for at, (metric, _, unit) in enumerate(_METRICS):
            one = answer.metrics[at]
            if one.nvmlReturn != self._nvml.NVML_SUCCESS:
                self._asker.fail(metric, self._nvml.NVMLError(one.nvmlReturn))
                self.pcie = self.pcie and metric not in (metrics.PCIE_RX, metrics.PCIE_TX)
            elif math.isfinite(one.value):
                value = float(one.value) * unit
                found.append(Reading(self._index, metric, Point(t, value, since)))
        return found

    def _without_samples(self) -> None:
        self.pcie = False
        for metric in _OWN:
            self._asker.reasons[metric] = self._asker.reasons[_SAMPLE]


def open_gpm(nvml: Any, index: int, device: Device, asker: Asker) -> Gpm | None:
    """Return the device's GPM; None where it has none, with the reason for each metric."""
    reason = ""
    try:
        if nvml.nvmlGpmQueryDeviceSupport(device.chip).isSupportedDevice:
            return Gpm(nvml, index, device, asker)
    except Exception as error:  # each NVMLError, and what ctypes and the package raise
        asker.fail(_SAMPLE, error)
        reason = asker.reasons[_SAMPLE]
    capability = attempt(nvml, "nvmlDeviceGetCudaComputeCapability", device.chip)
    if capability is not None and capability < (9, 0):
        reason = NOT_BEFORE_HOPPER
    elif not reason:
        reason = NO_GPM if capability is not None else NOT_BEFORE_HOPPER
    for metric in _OWN:
        asker.rule_out(metric, reason)
    return None
