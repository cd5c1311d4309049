"""The driver's own samples: their clock, their spans, and what is taken twice or never."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from gputune.sensors.buffered import Buffered
from gputune.sensors.nvml_devices import Device
from gputune.sensors.nvml_errors import NOT_SUPPORTED, Asker
from gputune.sensors.visible import Physical
from tests.unit.sensors import fake_nvml
from tests.unit.sensors.fake_nvml import FakeNvml

UNSIGNED_INT = 1
POWER, BUSY = 0, 1
DEVICE = Device(
    physical=Physical(index=0, names=()), handle="GPU", chip="GPU", name="Fake", uuid=None
)


class Driver:
    """Keeps samples as the driver does: (seconds ago, value), by kind."""

    def __init__(self, **kinds: list[tuple[float, int]]) -> None:
        self.begun_us = time.time_ns() // 1000
        self.samples = {POWER: kinds.get("power", []), BUSY: kinds.get("busy", [])}
        self.asked: list[tuple[int, int]] = []
        nvml: Any = FakeNvml(nvmlDeviceGetSamples=self.answer)
        nvml.NVML_TOTAL_POWER_SAMPLES, nvml.NVML_GPU_UTILIZATION_SAMPLES = POWER, BUSY
        self.asker = Asker()
        self.buffered = Buffered(nvml, 0, DEVICE, self.asker)

    def us(self, seconds_ago: float) -> int:
        return self.begun_us - round(1e6 * seconds_ago)

    def answer(self, handle: str, kind: int, last_us: int) -> tuple[int, list[Any]]:
        self.asked.append((kind, last_us))
        found = [
            SimpleNamespace(timeStamp=self.us(ago), sampleValue=SimpleNamespace(uiVal=value))
            for ago, value in self.samples[kind]
            if self.us(ago) > last_us
        ]
        if not found:
            raise fake_nvml.NVMLError_NotFound
        return UNSIGNED_INT, found


def test_samples_are_means_since_the_one_before_on_the_clock_of_the_steps() -> None:
    driver = Driver(busy=[(0.6, 10), (0.4, 20), (0.2, 90)])
    now = time.perf_counter()
    found = driver.buffered.drain()
    assert [(one.metric, one.point.value) for one in found] == [
        ("buffered_utilization_percent", 20),
        ("buffered_utilization_percent", 90),
    ]
    # The two clocks cannot be read in the same instant.
    for one, ago in zip(found, (0.4, 0.2), strict=True):
        assert one.point.t == pytest.approx(now - ago, abs=0.05)
        assert one.point.since is not None
        assert one.point.t - one.point.since == pytest.approx(0.2, abs=1e-5)


def test_power_is_in_watts() -> None:
    driver = Driver(power=[(0.04, 1), (0.02, 312_500)])
    assert [(one.metric, one.point.value) for one in driver.buffered.drain()] == [
        ("buffered_power_w", 312.5)
    ]


def test_what_was_taken_is_not_taken_again_and_nothing_new_is_no_failure() -> None:
    driver = Driver(busy=[(0.6, 10), (0.4, 20)])
    assert len(driver.buffered.drain()) == 1
    assert driver.buffered.drain() == []
    driver.samples[BUSY].append((0.1, 30))
    (later,) = driver.buffered.drain()
    assert later.point.value == 30
    assert [last for kind, last in driver.asked if kind == BUSY] == [
        0, driver.us(0.4), driver.us(0.4),
    ]  # fmt: skip
    assert driver.asker.reasons == {}


def test_empty_places_of_the_buffer_and_times_of_another_clock_are_left_out() -> None:
    driver = Driver(busy=[(driver_age, 50) for driver_age in (90_000.0, -90_000.0)])
    driver.samples[BUSY] += [(time.time(), 7), (0.3, 1), (0.1, 2)]
    assert [one.point.value for one in driver.buffered.drain()] == [2]


def test_a_gap_is_no_long_sample() -> None:
    driver = Driver(busy=[(30.0, 10), (0.1, 20)])
    (one,) = driver.buffered.drain()
    assert one.point.since == pytest.approx(one.point.t - 1.0)


def test_a_card_without_a_buffer_has_its_reason() -> None:
    nvml = FakeNvml(nvmlDeviceGetSamples=fake_nvml.refuse(fake_nvml.NVMLError_NotSupported))
    nvml.NVML_TOTAL_POWER_SAMPLES, nvml.NVML_GPU_UTILIZATION_SAMPLES = POWER, BUSY  # type: ignore[attr-defined]
    asker = Asker()
    buffered = Buffered(nvml, 0, DEVICE, asker)
    assert [buffered.drain(), buffered.drain()] == [[], []]
    assert asker.reasons["buffered_power_w"] == NOT_SUPPORTED
    assert nvml.called("nvmlDeviceGetSamples") == 2  # each kind once
