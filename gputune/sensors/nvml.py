"""NVIDIA's GPUs through NVML. The one file that imports pynvml, and only when it is asked to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gputune.sensors.protocol import GpuInfo, GpuSample, GpuSensor, NullGpuSensor
from gputune.sensors.visible import Physical, choose

NO_DRIVER = "no NVIDIA driver on this machine (libnvidia-ml.so.1 not found)"
# What will not change while the script runs: not asked for again.
_LASTING = (
    "NVMLError_NotSupported",
    "NVMLError_NoPermission",
    "NVMLError_FunctionNotFound",
    "NVMLError_GpuIsLost",
)


def open_gpu_sensor(visible: str | None, *, nvml: Any = None) -> GpuSensor:
    """The sensor for the GPUs that a process with CUDA_VISIBLE_DEVICES = `visible` can see.

    `visible` is None where the variable is not set. Never raises: where there is nothing to
    sense, the answer is a NullGpuSensor with the reason. `nvml` stands in for pynvml in tests.
    """
    if nvml is None:
        try:
            import pynvml
        except ImportError:
            return NullGpuSensor("the package nvidia-ml-py is not installed")
        nvml = pynvml
    try:
        nvml.nvmlInit()
    except Exception as error:
        return NullGpuSensor(_why_not_started(error))
    try:
        devices = _devices(nvml)
        chosen = choose(visible, [device.physical for device in devices])
        shown = [device for physical in chosen for device in devices if device.physical is physical]
    except Exception as error:
        _shutdown(nvml)
        return NullGpuSensor(f"NVML does not list the GPUs: {error}")
    if not shown:
        _shutdown(nvml)
        return NullGpuSensor(
            f"CUDA_VISIBLE_DEVICES={visible} shows none of this machine's GPUs"
            if devices
            else "the NVIDIA driver lists no GPU"
        )
    return NvmlGpuSensor(nvml, shown)


@dataclass(frozen=True)
class Device:
    """A device with its NVML handle."""

    physical: Physical
    handle: Any
    name: str
    uuid: str | None


class NvmlGpuSensor:
    """Samples utilisation and memory of the given devices."""

    def __init__(self, nvml: Any, devices: list[Device]) -> None:
        self._nvml = nvml
        self._handles = [device.handle for device in devices]
        self._lasting: set[tuple[int, str]] = set()
        self.reasons: dict[str, str] = {}
        self.gpus = tuple(
            GpuInfo(index=index, name=device.name, uuid=device.uuid)
            for index, device in enumerate(devices)
        )

    def sample(self) -> tuple[GpuSample, ...]:
        """One sample of each GPU; see `protocol.GpuSample` for the units."""
        return tuple(self._sample(index, handle) for index, handle in enumerate(self._handles))

    def close(self) -> None:
        """Let go of the driver."""
        if self._handles:
            self._handles = []
            _shutdown(self._nvml)

    def _sample(self, index: int, handle: Any) -> GpuSample:
        nvml = self._nvml
        utilization = self._ask(
            index, "utilization_percent", lambda: nvml.nvmlDeviceGetUtilizationRates(handle)
        )
        memory = self._ask(index, "memory_used_bytes", lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        return GpuSample(
            t=time.perf_counter(),
            index=index,
            utilization_percent=None if utilization is None else float(utilization.gpu),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
        )

    def _ask(self, index: int, metric: str, question: Callable[[], Any]) -> Any:
        """The answer, or None with the reason kept."""
        if (index, metric) in self._lasting:
            return None
        try:
            return question()
        except Exception as error:
            self.reasons[metric] = f"{error} (GPU {index})"
            if type(error).__name__ in _LASTING:
                self._lasting.add((index, metric))
            return None


def _why_not_started(error: Exception) -> str:
    kind = type(error).__name__
    if kind == "NVMLError_LibraryNotFound":
        return NO_DRIVER
    if kind == "NVMLError_DriverNotLoaded":
        return "the NVIDIA driver is installed but not loaded"
    return f"NVML does not start: {error}"


def _devices(nvml: Any) -> list[Device]:
    """Every GPU of the machine, and after each its MIG instances."""
    devices: list[Device] = []
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        uuid = _text(_try(nvml, "nvmlDeviceGetUUID", handle))
        name = _text(_try(nvml, "nvmlDeviceGetName", handle)) or "unknown GPU"
        physical = Physical(index=index, names=(uuid,) if uuid else ())
        devices.append(Device(physical, handle, name, uuid))
        devices.extend(_mig_devices(nvml, handle, uuid))
    return devices


def _mig_devices(nvml: Any, parent: Any, parent_uuid: str | None) -> list[Device]:
    found: list[Device] = []
    for index in range(_try(nvml, "nvmlDeviceGetMaxMigDeviceCount", parent) or 0):
        handle = _try(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", parent, index)
        if handle is None:  # the slots of unused instances are errors
            continue
        uuid = _text(_try(nvml, "nvmlDeviceGetUUID", handle))
        name = _text(_try(nvml, "nvmlDeviceGetName", handle)) or "MIG instance"
        names = [uuid] if uuid else []
        gpu_instance = _try(nvml, "nvmlDeviceGetGpuInstanceId", handle)
        compute_instance = _try(nvml, "nvmlDeviceGetComputeInstanceId", handle)
        if parent_uuid and gpu_instance is not None and compute_instance is not None:
            names.append(f"MIG-{parent_uuid}/{gpu_instance}/{compute_instance}")
        found.append(Device(Physical(index=None, names=tuple(names)), handle, name, uuid))
    return found


def _try(nvml: Any, function: str, *arguments: Any) -> Any:
    """What NVML answers, or None: an old driver lacks functions, and a card lacks MIG."""
    try:
        return getattr(nvml, function)(*arguments)
    except Exception:  # each NVMLError, and what the package raises for a missing function
        return None


def _text(value: Any) -> str | None:
    """NVML's strings are bytes in older releases of the package."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if value is None else str(value)


def _shutdown(nvml: Any) -> None:
    _try(nvml, "nvmlShutdown")
