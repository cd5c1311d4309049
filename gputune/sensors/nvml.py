"""NVIDIA's GPUs through NVML. The one file that imports pynvml, and only when it is asked to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gputune.sensors.inventory import Inventory, take_inventory
from gputune.sensors.nvml_devices import Device, attempt, list_devices
from gputune.sensors.nvml_errors import NO_DRIVER, under_wsl2, why_not_started
from gputune.sensors.nvml_sensor import NvmlGpuSensor
from gputune.sensors.protocol import GpuSensor, NullGpuSensor
from gputune.sensors.visible import choose, in_cuda_order

__all__ = ["NO_DRIVER", "NUMBERS_GUESSED", "driver_inventory", "open_gpu_sensor"]

NUMBERS_GUESSED = (
    "The GPUs differ and CUDA_DEVICE_ORDER=PCI_BUS_ID is not set: which number CUDA gives to each "
    "was taken from their speeds, the fastest first."
)


def open_gpu_sensor(
    visible: str | None,
    *,
    order: str | None = None,
    only: Sequence[int] = (),
    nvml: Any = None,
    wsl2: bool | None = None,
) -> GpuSensor:
    """Open the sensor for the GPUs that a process with CUDA_VISIBLE_DEVICES = `visible` can see.

    `visible` is None where the variable is not set, `order` is CUDA_DEVICE_ORDER. `only` are the
    numbers, among those, of the GPUs that TensorFlow was told to use; none for all. Never raises:
    where there is nothing to sense, the answer is a NullGpuSensor with the reason. `nvml` stands
    in for pynvml in tests, `wsl2` for what /proc says.
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
        return NullGpuSensor(why_not_started(error))
    try:
        devices = list_devices(nvml)
        chosen, guessed = _chosen(devices, visible, order)
        if only:
            chosen = [chosen[number] for number in only if number < len(chosen)]
        if chosen:
            return NvmlGpuSensor(
                nvml,
                chosen,
                wsl2=under_wsl2() if wsl2 is None else wsl2,
                notes=(NUMBERS_GUESSED,) if guessed else (),
            )
    except Exception as error:
        attempt(nvml, "nvmlShutdown")
        return NullGpuSensor(f"NVML does not list the GPUs: {error}")
    attempt(nvml, "nvmlShutdown")
    return NullGpuSensor(
        f"CUDA_VISIBLE_DEVICES={visible} shows none of this machine's GPUs"
        if devices
        else "the NVIDIA driver lists no GPU"
    )


def driver_inventory() -> Inventory:
    """Ask the driver for its versions and all of the machine's GPUs. Never raises."""
    try:
        import pynvml
    except ImportError as error:
        return Inventory(
            failure="the package nvidia-ml-py is not installed", error=type(error).__name__
        )
    return take_inventory(pynvml)


def _chosen(
    devices: list[Device], visible: str | None, order: str | None
) -> tuple[list[Device], bool]:
    """The devices in the script's order, and whether their numbers had to be guessed."""
    physical = [device.physical for device in devices]
    numbered = in_cuda_order(physical, order)
    shown = choose(visible, numbered)
    by_number = choose(visible, physical)
    chosen = [devices[_position(numbered, one)] for one in shown]
    return chosen, chosen != [devices[_position(physical, one)] for one in by_number]


def _position(devices: Sequence[object], wanted: object) -> int:
    return next(at for at, device in enumerate(devices) if device is wanted)
