"""The sampling thread, with fake sensors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from gputune.sensors import sampler as module
from gputune.sensors.protocol import GpuInfo, HostSample, NullGpuSensor, Point, Reading
from gputune.sensors.sampler import Sampler


class FakeGpu:
    """One GPU whose utilisation counts its samples, and that fails after some."""

    def __init__(self, most: int = 10_000) -> None:
        self.gpus = (GpuInfo(index=0, name="Fake"),)
        self.absent, self.notes = "", ()
        self.reasons: dict[tuple[int, str], str] = {}
        self.lost: dict[int, float] = {}
        self.count, self.most = 0, most

    def follow(self, pid: int) -> None:
        pass

    def sample(self) -> tuple[Reading, ...]:
        self.count += 1
        if self.count > self.most:
            raise RuntimeError("sensor broke")
        return (Reading(0, "utilization_percent", Point(time.perf_counter(), float(self.count))),)

    def flush(self) -> tuple[Reading, ...]:
        return (Reading(0, "flushed", Point(time.perf_counter(), 1.0)),)

    def close(self) -> None:
        pass


class FakeHost:
    """A host whose reads count its samples, and that fails after some."""

    def __init__(self, most: int = 1000) -> None:
        self.reasons: dict[str, str] = {}
        self.count, self.most = 0, most

    def sample(self) -> HostSample:
        self.count += 1
        if self.count > self.most:
            raise RuntimeError("sensor broke")
        t = time.perf_counter()
        return HostSample(since=t, t=t, read_bytes=self.count)


def busy(sampler: Sampler) -> tuple[Point, ...]:
    return sampler.gpu_points.get((0, "utilization_percent"), ())


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "waited 20 s"
        time.sleep(0.005)


def test_both_sensors_are_sampled_on_the_clock_of_the_steps() -> None:
    before = time.perf_counter()
    sampler = Sampler(FakeGpu(), FakeHost(), gpu_hz=200, host_hz=50)
    sampler.start()
    wait_until(lambda: len(busy(sampler)) >= 8 and len(sampler.host_samples) >= 2)
    sampler.stop()
    after = time.perf_counter()
    times = [point.t for point in busy(sampler)]
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] <= after
    assert len(busy(sampler)) > len(sampler.host_samples)
    assert sampler.failure == ""


def test_nothing_is_sampled_after_stop_and_stop_may_be_repeated() -> None:
    gpu = FakeGpu()
    sampler = Sampler(gpu, gpu_hz=500)
    sampler.start()
    wait_until(lambda: gpu.count > 2)
    sampler.stop()
    seen = gpu.count
    sampler.stop()
    time.sleep(0.02)
    assert gpu.count == seen
    assert "gputune-sampler" not in {thread.name for thread in threading.enumerate()}


def test_the_rate_is_kept() -> None:
    sampler = Sampler(FakeGpu(), gpu_hz=50)
    sampler.start()
    time.sleep(0.5)
    sampler.stop()
    # Never faster than asked for; a loaded machine may be slower.
    assert 2 <= len(busy(sampler)) <= 27


def test_without_a_gpu_only_the_host_is_sampled() -> None:
    sampler = Sampler(NullGpuSensor("none here"), FakeHost(), host_hz=200)
    sampler.start()
    wait_until(lambda: len(sampler.host_samples) >= 2)
    sampler.stop()
    assert sampler.gpu_points == {}


def test_a_sensor_that_raises_ends_sampling_and_says_so() -> None:
    sampler = Sampler(NullGpuSensor("none here"), FakeHost(most=2), host_hz=500)
    sampler.start()
    wait_until(lambda: bool(sampler.failure))
    sampler.stop()
    assert "sensor broke" in sampler.failure
    assert [sample.read_bytes for sample in sampler.host_samples] == [1, 2]


def test_a_gpu_sensor_that_raises_leaves_the_host_s_going() -> None:
    sampler = Sampler(FakeGpu(most=2), FakeHost(), gpu_hz=500, host_hz=100)
    sampler.start()
    wait_until(lambda: bool(sampler.gpu_failure))
    seen = len(sampler.host_samples)
    wait_until(lambda: len(sampler.host_samples) > seen)
    sampler.stop()
    assert "sensor broke" in sampler.gpu_failure
    assert (sampler.failure, len(busy(sampler))) == ("", 2)


def test_what_comes_later_is_asked_for_at_the_end() -> None:
    sampler = Sampler(FakeGpu(), gpu_hz=200)
    sampler.start()
    wait_until(lambda: len(busy(sampler)) >= 1)
    assert (0, "flushed") not in sampler.gpu_points
    sampler.stop()
    assert len(sampler.gpu_points[0, "flushed"]) == 1


def test_a_long_run_is_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 4)
    samples = list(range(5))
    module._thin(samples)
    assert samples == [1, 3]


def test_stop_before_start_is_harmless() -> None:
    Sampler(NullGpuSensor("none here")).stop()
