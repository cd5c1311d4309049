"""The devices that NVML lists: the GPUs in the bus's order, and after each its MIG instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gputune.sensors import metrics
from gputune.sensors.nvml_errors import NOT_ON_MIG, Asker
from gputune.sensors.protocol import GpuInfo
from gputune.sensors.visible import Physical

WHOLE_GPU: Final = (
    metrics.POWER_LIMIT,
    metrics.POWER,
    metrics.BUFFERED_POWER,
    metrics.BUFFERED_UTILIZATION,
    metrics.ENERGY,
    metrics.PCIE_RX,
    metrics.PCIE_TX,
)
"""Of a GPU that is divided these count what all instances do: no instance's figures."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device with its NVML handle.

    For a MIG instance `chip` is the handle of the GPU that it is a part of, and `gpu_instance` its
    number there; for a whole GPU they are its own handle and None.
    """

    physical: Physical
    handle: Any
    chip: Any
    name: str
    uuid: str | None
    mig: bool = False
    gpu_instance: int | None = None


def list_devices(nvml: Any) -> list[Device]:
    """List every device that this process may open.

    A GPU that it may not (in a container, say) is left out, as CUDA leaves it out. Raises what
    NVML raised where there are GPUs and none of them can be opened.
    """
    devices: list[Device] = []
    failure: Exception | None = None
    number = 0
    for at in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(at)
        except Exception as error:  # each NVMLError
            failure = error
            continue
        uuid = text(attempt(nvml, "nvmlDeviceGetUUID", handle))
        name = text(attempt(nvml, "nvmlDeviceGetName", handle)) or "unknown GPU"
        physical = Physical(
            index=number, names=(uuid,) if uuid else (), model=name, speed=_speed(nvml, handle)
        )
        devices.append(Device(physical=physical, handle=handle, chip=handle, name=name, uuid=uuid))
        devices += _instances(nvml, handle, uuid, number)
        number += 1
    if failure is not None and not devices:
        raise failure
    return devices


def describe(nvml: Any, index: int, device: Device, asker: Asker) -> GpuInfo:
    """Return what does not change of a device, which the script knows as number `index`."""
    chip = device.chip
    capability = asker.ask(
        "compute_capability", lambda: nvml.nvmlDeviceGetCudaComputeCapability(chip)
    )
    if device.mig:
        for metric in WHOLE_GPU:
            asker.rule_out(metric, NOT_ON_MIG)
    limit = asker.ask("power_limit_w", lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(chip))
    clock = asker.ask(
        "sm_clock_max_mhz", lambda: nvml.nvmlDeviceGetMaxClockInfo(chip, nvml.NVML_CLOCK_SM)
    )
    return GpuInfo(
        index=index,
        name=device.name,
        uuid=device.uuid,
        mig=device.mig,
        compute_capability=None if capability is None else f"{capability[0]}.{capability[1]}",
        power_limit_w=None if limit is None else limit / 1000,
        sm_clock_max_mhz=None if clock is None else float(clock),
        pcie_generation_max=asker.ask(
            "pcie_generation_max", lambda: nvml.nvmlDeviceGetMaxPcieLinkGeneration(chip)
        ),
        pcie_width_max=asker.ask(
            "pcie_width_max", lambda: nvml.nvmlDeviceGetMaxPcieLinkWidth(chip)
        ),
    )


def attempt(nvml: Any, function: str, *arguments: Any) -> Any:
    """Return NVML's answer, or None: an old driver lacks functions, and a card lacks MIG."""
    try:
        return getattr(nvml, function)(*arguments)
    except Exception:  # each NVMLError, and what the package raises for a missing function
        return None


def text(value: Any) -> str | None:
    """Return a string of NVML's, which is bytes in older releases of the package."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if value is None else str(value)


def _speed(nvml: Any, handle: Any) -> float | None:
    """Cores times the highest SM clock in MHz: which of two models is the faster one, roughly."""
    cores = attempt(nvml, "nvmlDeviceGetNumGpuCores", handle)
    clock = attempt(nvml, "nvmlDeviceGetMaxClockInfo", handle, getattr(nvml, "NVML_CLOCK_SM", 1))
    return None if cores is None or clock is None else float(cores) * float(clock)


def _instances(nvml: Any, chip: Any, chip_uuid: str | None, number: int) -> list[Device]:
    found: list[Device] = []
    for slot in range(attempt(nvml, "nvmlDeviceGetMaxMigDeviceCount", chip) or 0):
        handle = attempt(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", chip, slot)
        if handle is None:  # the slots of unused instances are errors
            continue
        uuid = text(attempt(nvml, "nvmlDeviceGetUUID", handle))
        name = text(attempt(nvml, "nvmlDeviceGetName", handle)) or "MIG instance"
        names = [uuid] if uuid else []
        gpu_instance = attempt(nvml, "nvmlDeviceGetGpuInstanceId", handle)
        compute_instance = attempt(nvml, "nvmlDeviceGetComputeInstanceId", handle)
        if chip_uuid and gpu_instance is not None and compute_instance is not None:
            names.append(f"MIG-{chip_uuid}/{gpu_instance}/{compute_instance}")
        found.append(
            Device(
                physical=Physical(index=None, names=tuple(names), part_of=number, model=name),
                handle=handle,
                chip=chip,
                name=name,
                uuid=uuid,
                mig=True,
                gpu_instance=gpu_instance,
            )
        )
    return found
