"""What is asked of NVML again and again, each with how often, and how its answer is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gputune.sensors import metrics
from gputune.sensors.nvml_devices import Device
from gputune.sensors.nvml_errors import Asker
from gputune.sensors.protocol import Point, Reading

_FAST_S: Final = 0.05
_STATE_S: Final = 0.2
_LINK_S: Final = 0.5


@dataclass(frozen=True)
class Question:
    """A call of NVML that answers one or several metrics.

    `ask` takes the module and a handle and returns a value for each of `metrics`, in the units of
    their names. With `of_chip` the GPU is asked that a MIG instance is a part of: what holds for
    the whole chip holds for its instances.
    """

    metrics: tuple[str, ...]
    every_s: float
    ask: Callable[[Any, Any], Sequence[float]]
    of_chip: bool = False


def _utilization(nvml: Any, handle: Any) -> Sequence[float]:
    return (nvml.nvmlDeviceGetUtilizationRates(handle).gpu,)


def _memory(nvml: Any, handle: Any) -> Sequence[float]:
    # The first version of the call: what the driver keeps for itself counts as used.
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return memory.used, memory.total


def _power(nvml: Any, handle: Any) -> Sequence[float]:
    return (nvml.nvmlDeviceGetPowerUsage(handle) / 1000,)


def _energy(nvml: Any, handle: Any) -> Sequence[float]:
    return (nvml.nvmlDeviceGetTotalEnergyConsumption(handle),)


def _sm_clock(nvml: Any, handle: Any) -> Sequence[float]:
    return (nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),)


def _memory_clock(nvml: Any, handle: Any) -> Sequence[float]:
    return (nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),)


def _temperature(nvml: Any, handle: Any) -> Sequence[float]:
    try:
        return (nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),)
    except Exception:  # deprecated: a later driver may have the new call alone
        return (nvml.nvmlDeviceGetTemperatureV(handle, nvml.NVML_TEMPERATURE_GPU),)


def _event_reasons(nvml: Any, handle: Any) -> Sequence[float]:
    try:
        return (nvml.nvmlDeviceGetCurrentClocksEventReasons(handle),)
    except Exception:  # drivers before 535 know the old name alone, which gives the reason why not
        return (nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),)


def _generation(nvml: Any, handle: Any) -> Sequence[float]:
    return (nvml.nvmlDeviceGetCurrPcieLinkGeneration(handle),)


def _width(nvml: Any, handle: Any) -> Sequence[float]:
    return (nvml.nvmlDeviceGetCurrPcieLinkWidth(handle),)


QUESTIONS: Final = (
    Question((metrics.UTILIZATION,), _FAST_S, _utilization),
    Question((metrics.MEMORY_USED, metrics.MEMORY_TOTAL), _FAST_S, _memory),
    Question((metrics.POWER,), _FAST_S, _power),
    Question((metrics.ENERGY,), _FAST_S, _energy),
    Question((metrics.SM_CLOCK,), _STATE_S, _sm_clock, of_chip=True),
    Question((metrics.MEMORY_CLOCK,), _STATE_S, _memory_clock, of_chip=True),
    Question((metrics.TEMPERATURE,), _STATE_S, _temperature, of_chip=True),
    Question((metrics.EVENT_REASONS,), _STATE_S, _event_reasons, of_chip=True),
    Question((metrics.PCIE_GENERATION,), _LINK_S, _generation, of_chip=True),
    Question((metrics.PCIE_WIDTH,), _LINK_S, _width, of_chip=True),
)


def poll(
    nvml: Any, index: int, device: Device, asker: Asker, questions: Sequence[Question]
) -> Iterator[Reading]:
    """Ask the questions about a device, and yield what was answered."""
    for question in questions:
        first = question.metrics[0]
        handle = device.chip if question.of_chip else device.handle
        values = asker.ask(first, lambda q=question, h=handle: q.ask(nvml, h))  # type: ignore[misc]
        if values is None:
            for other in question.metrics[1:]:
                if first in asker.reasons:
                    asker.reasons[other] = asker.reasons[first]
            continue
        t = time.perf_counter()
        for metric, value in zip(question.metrics, values, strict=True):
            yield Reading(index, metric, Point(t, float(value)))
