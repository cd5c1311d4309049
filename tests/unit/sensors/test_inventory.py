"""The driver's inventory, from a pynvml made of Python."""

from __future__ import annotations

from types import SimpleNamespace

from gputune.sensors.inventory import HeldBy, Inventory, take_inventory
from tests.unit.sensors.fake_nvml import (
    FakeNvml,
    NVMLError_LibraryNotFound,
    NVMLError_NotSupported,
    refuse,
)


def test_everything_that_the_driver_says() -> None:
    nvml = FakeNvml(
        nvmlSystemGetDriverVersion=lambda: b"550.54.15",
        nvmlSystemGetCudaDriverVersion_v2=lambda: 12040,
        nvmlDeviceGetCudaComputeCapability=lambda handle: (9, 0),
        nvmlDeviceGetMigMode=lambda handle: (int(handle == "GPU-two"), 0),
        nvmlDeviceGetComputeMode=lambda handle: 3,
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [
            SimpleNamespace(pid=9, usedGpuMemory=None),
            SimpleNamespace(pid=7, usedGpuMemory=5),
        ],
        nvmlDeviceGetGraphicsRunningProcesses=lambda handle: [],
    )
    found = take_inventory(nvml)
    assert (found.failure, found.driver_version, found.cuda_version) == ("", "550.54.15", (12, 4))
    first, second, part = found.devices
    assert found.gpus == (first, second)
    assert (first.name, first.compute_capability, first.compute_mode) == (
        "Fake GPU-one", (9, 0), "exclusive",
    )  # fmt: skip
    assert (first.memory_used_bytes, first.memory_total_bytes) == (3, 16)
    assert first.processes == (HeldBy(pid=7, bytes=5), HeldBy(pid=9))
    assert (first.mig_mode, second.mig_mode) == (False, True)
    assert part.mig and not part.mig_mode and part.physical.part_of == 1
    assert nvml.called("nvmlShutdown") == 1


def test_what_a_driver_does_not_say_is_none() -> None:
    nvml = FakeNvml(nvmlDeviceGetMemoryInfo=refuse(NVMLError_NotSupported))
    found = take_inventory(nvml)
    assert (found.driver_version, found.cuda_version) == (None, None)
    first = found.devices[0]
    assert (first.compute_capability, first.memory_total_bytes) == (None, None)
    assert (first.processes, first.compute_mode) == ((), "default")


def test_a_driver_that_does_not_start_says_why() -> None:
    found = take_inventory(FakeNvml(nvmlInit=refuse(NVMLError_LibraryNotFound)))
    assert found == Inventory(
        failure="no NVIDIA driver on this machine (libnvidia-ml.so.1 not found)",
        error="NVMLError_LibraryNotFound",
    )


def test_gpus_that_cannot_be_listed_leave_the_versions() -> None:
    nvml = FakeNvml(
        nvmlDeviceGetCount=refuse(NVMLError_NotSupported),
        nvmlSystemGetDriverVersion=lambda: "550.54.15",
    )
    found = take_inventory(nvml)
    assert found.driver_version == "550.54.15" and found.devices == ()
    assert found.error == "NVMLError_NotSupported" and "does not list" in found.failure
    assert nvml.called("nvmlShutdown") == 1
