"""What the driver says of the machine, once: its versions, its GPUs, and who holds their memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gputune.sensors.gpu_processes import listed_processes
from gputune.sensors.nvml_devices import Device, attempt, list_devices, text
from gputune.sensors.nvml_errors import why_not_started
from gputune.sensors.visible import Physical

_COMPUTE_MODES: Final = {0: "default", 1: "exclusive", 2: "prohibited", 3: "exclusive"}
"""NVML's nvmlComputeMode_t; 1 is the exclusive-thread mode of old drivers."""


@dataclass(frozen=True, kw_only=True)
class HeldBy:
    """A process with a context on a GPU; `bytes` is None where the driver does not say."""

    pid: int
    bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class KnownGpu:
    """A GPU, or an instance of one that is divided (`mig`), as the driver has it.

    `physical` is what CUDA_VISIBLE_DEVICES chooses among. `mig_mode` is of a GPU: whether it is
    divided, or to be. `compute_mode` is `default`, `exclusive` or `prohibited`.
    """

    physical: Physical
    name: str
    mig: bool = False
    mig_mode: bool = False
    compute_capability: tuple[int, int] | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    compute_mode: str = "default"
    processes: tuple[HeldBy, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What the driver says. `failure` is why it says nothing, and `error` its error's name."""

    failure: str = ""
    error: str = ""
    driver_version: str | None = None
    cuda_version: tuple[int, int] | None = None
    """The newest CUDA that the driver speaks: (12, 4)."""
    devices: tuple[KnownGpu, ...] = ()

    @property
    def gpus(self) -> tuple[KnownGpu, ...]:
        """The GPUs, without the instances of those that are divided."""
        return tuple(device for device in self.devices if not device.mig)


def take_inventory(nvml: Any) -> Inventory:
    """Ask NVML for everything, and close it again. Never raises; what is missing is None."""
    try:
        nvml.nvmlInit()
    except Exception as error:
        return Inventory(failure=why_not_started(error), error=type(error).__name__)
    try:
        driver = text(attempt(nvml, "nvmlSystemGetDriverVersion"))
        cuda = _version(attempt(nvml, "nvmlSystemGetCudaDriverVersion_v2"))
        try:
            devices = tuple(_known(nvml, device) for device in list_devices(nvml))
        except Exception as error:
            return Inventory(
                failure=f"NVML does not list the GPUs: {error}", error=type(error).__name__,
                driver_version=driver, cuda_version=cuda,
            )  # fmt: skip
        return Inventory(driver_version=driver, cuda_version=cuda, devices=devices)
    finally:
        attempt(nvml, "nvmlShutdown")


def _known(nvml: Any, device: Device) -> KnownGpu:
    memory = attempt(nvml, "nvmlDeviceGetMemoryInfo", device.handle)
    mode = attempt(nvml, "nvmlDeviceGetMigMode", device.handle)
    capability = attempt(nvml, "nvmlDeviceGetCudaComputeCapability", device.chip)
    try:
        held = listed_processes(nvml, device.handle)
    except Exception:  # each NVMLError: not supported, no permission
        held = {}
    return KnownGpu(
        physical=device.physical,
        name=device.name,
        mig=device.mig,
        # The mode in force, and the one after the next reset.
        mig_mode=bool(mode and not device.mig and mode[0]),
        compute_capability=None if capability is None else (capability[0], capability[1]),
        memory_total_bytes=None if memory is None else int(memory.total),
        memory_used_bytes=None if memory is None else int(memory.used),
        compute_mode=_COMPUTE_MODES.get(
            attempt(nvml, "nvmlDeviceGetComputeMode", device.handle), "default"
        ),
        processes=tuple(HeldBy(pid=pid, bytes=size) for pid, size in sorted(held.items())),
    )


def _version(number: int | None) -> tuple[int, int] | None:
    """12040 as (12, 4)."""
    return None if not number else (number // 1000, number % 1000 // 10)
