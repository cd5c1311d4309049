"""NVML, with a stand-in for pynvml, and as it is on this machine."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from gputune.sensors.nvml import NO_DRIVER, open_gpu_sensor
from gputune.sensors.protocol import NullGpuSensor


class NVMLError_LibraryNotFound(Exception):  # noqa: N801  (pynvml's name)
    pass


class NVMLError_NotSupported(Exception):  # noqa: N801
    def __str__(self) -> str:
        return "Not Supported"


class NVMLError_Unknown(Exception):  # noqa: N801
    def __str__(self) -> str:
        return "Unknown Error"


class FakeNvml:
    """Two GPUs, the second with one MIG instance; handles are their UUIDs."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.shut_down = 0
        self.utilization: Callable[[str], SimpleNamespace] = lambda _: SimpleNamespace(gpu=37)

    def nvmlInit(self) -> None:  # noqa: N802
        pass

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.shut_down += 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        return ("GPU-one", "GPU-two")[index]

    def nvmlDeviceGetUUID(self, handle: str) -> bytes:  # noqa: N802
        return handle.encode()

    def nvmlDeviceGetName(self, handle: str) -> str:  # noqa: N802
        return f"Fake {handle}"

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:  # noqa: N802
        if handle != "GPU-two":
            raise NVMLError_NotSupported
        return 2

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, index: int) -> str:  # noqa: N802
        if index:
            raise NVMLError_Unknown
        return "MIG-three"

    def nvmlDeviceGetGpuInstanceId(self, handle: str) -> int:  # noqa: N802
        return 5

    def nvmlDeviceGetComputeInstanceId(self, handle: str) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> SimpleNamespace:  # noqa: N802
        self.calls.append(handle)
        return self.utilization(handle)

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=3 * 2**30, total=16 * 2**30)


def test_the_gpus_are_numbered_as_the_script_sees_them() -> None:
    sensor = open_gpu_sensor("1,0", nvml=FakeNvml())
    assert [(gpu.index, gpu.name, gpu.uuid) for gpu in sensor.gpus] == [
        (0, "Fake GPU-two", "GPU-two"),
        (1, "Fake GPU-one", "GPU-one"),
    ]
    samples = sensor.sample()
    assert [sample.index for sample in samples] == [0, 1]
    assert samples[0].utilization_percent == 37
    assert (samples[0].memory_used_bytes, samples[0].memory_total_bytes) == (3 * 2**30, 16 * 2**30)
    assert sensor.reasons == {}


@pytest.mark.parametrize("visible", ["MIG-three", "MIG-GPU-two/5/0"])
def test_a_mig_instance_is_found_by_its_names(visible: str) -> None:
    sensor = open_gpu_sensor(visible, nvml=FakeNvml())
    assert [gpu.uuid for gpu in sensor.gpus] == ["MIG-three"]


def test_a_metric_that_is_not_supported_is_missing_alone_and_not_asked_again() -> None:
    nvml = FakeNvml()

    def refuse(handle: str) -> SimpleNamespace:
        raise NVMLError_NotSupported

    nvml.utilization = refuse
    sensor = open_gpu_sensor("0", nvml=nvml)
    for _ in range(3):
        (sample,) = sensor.sample()
        assert sample.utilization_percent is None
        assert sample.memory_used_bytes == 3 * 2**30
    assert nvml.calls == ["GPU-one"]
    assert sensor.reasons == {"utilization_percent": "Not Supported (GPU 0)"}


def test_a_passing_failure_is_asked_again() -> None:
    nvml = FakeNvml()
    answers = iter([NVMLError_Unknown(), SimpleNamespace(gpu=5)])

    def answer(handle: str) -> SimpleNamespace:
        value = next(answers)
        if isinstance(value, Exception):
            raise value
        return value

    nvml.utilization = answer
    sensor = open_gpu_sensor("0", nvml=nvml)
    assert [sensor.sample()[0].utilization_percent for _ in range(2)] == [None, 5]


def test_a_function_that_an_old_package_lacks_is_a_missing_metric() -> None:
    nvml = FakeNvml()
    nvml.nvmlDeviceGetMemoryInfo = None  # type: ignore[assignment,method-assign]
    (sample,) = open_gpu_sensor("0", nvml=nvml).sample()
    assert (sample.memory_used_bytes, sample.utilization_percent) == (None, 37)


def test_hidden_gpus_are_a_null_sensor_with_the_reason() -> None:
    nvml = FakeNvml()
    sensor = open_gpu_sensor("-1", nvml=nvml)
    assert isinstance(sensor, NullGpuSensor)
    assert "CUDA_VISIBLE_DEVICES=-1" in sensor.reasons["gpus"]
    assert nvml.shut_down == 1


def test_a_missing_driver_is_a_null_sensor_with_the_reason() -> None:
    nvml = FakeNvml()

    def fail() -> None:
        raise NVMLError_LibraryNotFound

    nvml.nvmlInit = fail  # type: ignore[method-assign]
    sensor = open_gpu_sensor(None, nvml=nvml)
    assert sensor.reasons == {"gpus": NO_DRIVER}
    assert (sensor.gpus, sensor.sample()) == ((), ())
    sensor.close()


def test_after_close_there_are_no_samples_and_the_driver_is_let_go_once() -> None:
    nvml = FakeNvml()
    sensor = open_gpu_sensor(None, nvml=nvml)
    sensor.close()
    sensor.close()
    assert sensor.sample() == ()
    assert nvml.shut_down == 1


def test_this_machine_without_a_driver() -> None:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        pass
    else:
        pytest.skip("this machine has an NVIDIA driver")
    sensor = open_gpu_sensor(None)
    assert sensor.reasons["gpus"] == NO_DRIVER


def test_pynvml_is_imported_only_when_a_sensor_is_opened() -> None:
    code = "import sys, gputune.sensors.nvml; sys.exit('pynvml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
