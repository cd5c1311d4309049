"""NVML, with a stand-in for pynvml, and as it is on this machine."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from gputune.sensors.nvml import NO_DRIVER, NUMBERS_GUESSED, open_gpu_sensor
from gputune.sensors.nvml_errors import (
    LOST,
    NOT_ON_MIG,
    NOT_SUPPORTED,
    OLD_PACKAGE,
    WSL2,
    under_wsl2,
    why_not_started,
)
from gputune.sensors.nvml_sensor import Schedule
from gputune.sensors.protocol import GpuSensor, NullGpuSensor, Reading
from tests.unit.sensors import fake_nvml
from tests.unit.sensors.fake_nvml import FakeNvml, refuse


def read(sensor: GpuSensor, seconds: float = 0.0) -> Sequence[Reading]:
    """What sampling for a time brings, with all that is due at its beginning."""
    found = list(sensor.sample())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)
        found += sensor.sample()
    sensor.close()
    return found


def values(readings: Sequence[Reading], metric: str, gpu: int = 0) -> list[float]:
    return [one.point.value for one in readings if (one.gpu, one.metric) == (gpu, metric)]


def test_the_gpus_are_numbered_as_the_script_sees_them() -> None:
    nvml = FakeNvml(nvmlDeviceGetMaxMigDeviceCount=lambda handle: 0)
    sensor = open_gpu_sensor("1,0", nvml=nvml)
    assert [(gpu.index, gpu.name, gpu.uuid) for gpu in sensor.gpus] == [
        (0, "Fake GPU-two", "GPU-two"),
        (1, "Fake GPU-one", "GPU-one"),
    ]
    readings = read(sensor)
    assert values(readings, "utilization_percent", 0) == [37]
    assert values(readings, "memory_used_bytes", 1) == [3]
    assert ("nvmlDeviceGetUtilizationRates", "GPU-two") in nvml.calls


def test_tensorflow_may_use_a_part_of_them() -> None:
    nvml = FakeNvml(nvmlDeviceGetMaxMigDeviceCount=lambda handle: 0)
    sensor = open_gpu_sensor(None, only=[1], nvml=nvml)
    sensor.close()
    assert [(gpu.index, gpu.uuid) for gpu in sensor.gpus] == [(0, "GPU-two")]


def test_a_gpu_that_may_not_be_opened_has_no_number() -> None:
    def handle(index: int) -> str:
        if index == 0:
            raise fake_nvml.NVMLError_NoPermission
        return "GPU-two"

    nvml = FakeNvml(
        nvmlDeviceGetHandleByIndex=handle, nvmlDeviceGetMaxMigDeviceCount=lambda handle: 0
    )
    sensor = open_gpu_sensor("0", nvml=nvml)
    sensor.close()
    assert [gpu.uuid for gpu in sensor.gpus] == ["GPU-two"]


@pytest.mark.parametrize("visible", ["MIG-three", "MIG-GPU-two/5/0", "1"])
def test_a_mig_instance_is_found_by_its_names_and_for_its_gpu(visible: str) -> None:
    sensor = open_gpu_sensor(visible, nvml=FakeNvml())
    sensor.close()
    assert [(gpu.uuid, gpu.mig) for gpu in sensor.gpus] == [("MIG-three", True)]


def test_of_a_mig_instance_nothing_is_asked_that_counts_the_whole_gpu() -> None:
    nvml = FakeNvml(
        nvmlDeviceGetPowerUsage=lambda handle: 1000,
        nvmlDeviceGetUtilizationRates=refuse(fake_nvml.NVMLError_NotSupported),
    )
    sensor = open_gpu_sensor("MIG-three", nvml=nvml)
    readings = read(sensor)
    assert values(readings, "power_w") == []
    assert nvml.called("nvmlDeviceGetPowerUsage") == 0
    for metric in ("power_w", "utilization_percent", "pcie_rx_bytes_per_s"):
        assert sensor.reasons[0, metric] == NOT_ON_MIG


def test_a_metric_that_is_not_supported_is_missing_alone_and_not_asked_again() -> None:
    nvml = FakeNvml(nvmlDeviceGetUtilizationRates=refuse(fake_nvml.NVMLError_NotSupported))
    sensor = open_gpu_sensor("0", nvml=nvml, wsl2=False)
    readings = read(sensor, 0.2)
    assert values(readings, "utilization_percent") == []
    assert len(values(readings, "memory_used_bytes")) > 1
    assert nvml.called("nvmlDeviceGetUtilizationRates") == 1
    assert sensor.reasons[0, "utilization_percent"] == NOT_SUPPORTED


def test_under_wsl2_the_reason_says_so() -> None:
    nvml = FakeNvml(nvmlDeviceGetUtilizationRates=refuse(fake_nvml.NVMLError_NotSupported))
    sensor = open_gpu_sensor("0", nvml=nvml, wsl2=True)
    read(sensor)
    assert sensor.reasons[0, "utilization_percent"] == NOT_SUPPORTED + WSL2


def test_a_passing_failure_is_asked_again() -> None:
    answers = iter([fake_nvml.NVMLError_Unknown(), SimpleNamespace(gpu=5)])

    def answer(handle: str) -> SimpleNamespace:
        value = next(answers, SimpleNamespace(gpu=6))
        if isinstance(value, Exception):
            raise value
        return value

    sensor = open_gpu_sensor("0", nvml=FakeNvml(nvmlDeviceGetUtilizationRates=answer))
    assert values(read(sensor, 0.2), "utilization_percent")[0] == 5


def test_a_function_that_an_old_package_lacks_is_a_missing_metric() -> None:
    sensor = open_gpu_sensor("0", nvml=FakeNvml())
    readings = read(sensor)
    assert values(readings, "utilization_percent") == [37]
    assert sensor.reasons[0, "power_w"] == OLD_PACKAGE


def test_a_gpu_that_is_lost_is_asked_nothing_more() -> None:
    nvml = FakeNvml(nvmlDeviceGetMemoryInfo=refuse(fake_nvml.NVMLError_GpuIsLost))
    sensor = open_gpu_sensor("0", nvml=nvml)
    before = time.perf_counter()
    read(sensor, 0.2)
    assert before <= sensor.lost[0] <= time.perf_counter()
    assert nvml.called("nvmlDeviceGetUtilizationRates") == 1
    assert sensor.reasons[0, "memory_used_bytes"] == LOST
    assert sensor.reasons[0, "memory_total_bytes"] == LOST


def test_hidden_gpus_are_a_null_sensor_with_the_reason() -> None:
    nvml = FakeNvml()
    sensor = open_gpu_sensor("-1", nvml=nvml)
    assert isinstance(sensor, NullGpuSensor)
    assert "CUDA_VISIBLE_DEVICES=-1" in sensor.absent
    assert nvml.called("nvmlShutdown") == 1


def test_a_missing_driver_is_a_null_sensor_with_the_reason() -> None:
    nvml = FakeNvml(nvmlInit=refuse(fake_nvml.NVMLError_LibraryNotFound))
    sensor = open_gpu_sensor(None, nvml=nvml)
    assert sensor.absent == NO_DRIVER
    assert (sensor.gpus, sensor.sample(), sensor.flush()) == ((), (), ())
    sensor.close()


def test_a_driver_that_does_not_start_for_an_unknown_reason_is_quoted() -> None:
    assert "Unknown Error" in why_not_started(fake_nvml.NVMLError_Unknown())


def test_after_close_there_are_no_samples_and_the_driver_is_let_go_once() -> None:
    nvml = FakeNvml()
    sensor = open_gpu_sensor(None, nvml=nvml)
    sensor.close()
    sensor.close()
    assert sensor.sample() == []
    assert sensor.flush() == []
    assert nvml.called("nvmlShutdown") == 1


def test_where_models_differ_their_numbers_are_said_to_be_guessed() -> None:
    cores = {"GPU-one": 640, "GPU-two": 6912}
    nvml = FakeNvml(
        nvmlDeviceGetMaxMigDeviceCount=lambda handle: 0,
        nvmlDeviceGetNumGpuCores=cores.__getitem__,
        nvmlDeviceGetMaxClockInfo=lambda handle, clock: 1000,
    )
    guessed = open_gpu_sensor("0", nvml=nvml)
    by_bus = open_gpu_sensor("0", order="PCI_BUS_ID", nvml=nvml)
    guessed.close()
    by_bus.close()
    assert [gpu.uuid for gpu in (*guessed.gpus, *by_bus.gpus)] == ["GPU-two", "GPU-one"]
    assert (guessed.notes, by_bus.notes) == ((NUMBERS_GUESSED,), ())


def test_a_schedule_keeps_its_rate_when_called_a_little_early_or_late() -> None:
    schedule = Schedule()
    calls = [0.0, 0.051, 0.099, 0.148, 0.204, 0.25]
    assert [schedule.due("x", 0.1, t) for t in calls] == [True, False, True, False, True, False]
    assert schedule.due("x", 0.1, 5.0)  # held up: once, and what was missed is not made up for
    assert not schedule.due("x", 0.1, 5.05)


def test_wsl2_is_told_by_its_kernel(tmp_path) -> None:  # type: ignore[no-untyped-def]
    version = tmp_path / "version"
    version.write_text("Linux version 5.15.90.1-microsoft-standard-WSL2 (oe-user@oe-host)")
    assert under_wsl2(version)
    version.write_text("Linux version 6.8.0-45-generic (buildd@lcy02)")
    assert not under_wsl2(version)
    assert not under_wsl2(tmp_path / "none")


def test_this_machine_without_a_driver() -> None:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        pass
    else:
        pytest.skip("this machine has an NVIDIA driver")
    assert open_gpu_sensor(None).absent == NO_DRIVER


def test_pynvml_is_imported_only_when_a_sensor_is_opened() -> None:
    code = "import sys, gputune.sensors.nvml; sys.exit('pynvml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
