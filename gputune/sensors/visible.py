"""Which GPUs a process sees: CUDA_VISIBLE_DEVICES against the driver's list. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

BUS_ORDER = "PCI_BUS_ID"


@dataclass(frozen=True, kw_only=True)
class Physical:
    """A device as the driver lists it: a GPU, or a MIG instance of one.

    `index` is the GPU's number in the driver's list, None for a MIG instance, whose GPU's number
    is `part_of`. `names` are all the names it answers to: its UUID, and for MIG also
    `MIG-GPU-<uuid>/<gi>/<ci>`. `speed` compares models; None where it is not known.
    """

    index: int | None
    names: tuple[str, ...]
    part_of: int | None = None
    model: str = ""
    speed: float | None = None


def choose(visible: str | None, devices: Sequence[Physical]) -> tuple[Physical, ...]:
    """Return the devices that CUDA shows to a process with that CUDA_VISIBLE_DEVICES, in its order.

    None shows every GPU. Otherwise the list is read as CUDA does: indices, UUIDs, or unambiguous
    beginnings of UUIDs; the first entry that names no device hides itself and all that follow,
    and so an empty value or `-1` hides everything. Of a GPU that is divided, CUDA shows the first
    instance unless another one is named (NVIDIA's MIG guide, «CUDA device enumeration»).
    """
    if visible is None:
        whole = sorted(
            (device for device in devices if device.index is not None), key=lambda d: d.index or 0
        )
        return tuple(_usable(device, devices) for device in whole)
    chosen: list[Physical] = []
    for entry in (part.strip() for part in visible.split(",")):
        device = _named(entry, devices)
        if device is None or device in chosen:
            break
        chosen.append(device)
    return tuple(chosen)


def in_cuda_order(devices: Sequence[Physical], order: str | None) -> tuple[Physical, ...]:
    """Number the GPUs as CUDA does with that CUDA_DEVICE_ORDER; the driver goes by the bus.

    With `PCI_BUS_ID` CUDA does so too. Otherwise it puts the fastest first, by a rule that NVIDIA
    does not publish: where the GPUs differ, and `speed` is known of each, they are numbered by it.
    """
    whole = [device for device in devices if device.index is not None]
    speeds = [device.speed for device in whole]
    if order == BUS_ORDER or None in speeds or len({device.model for device in whole}) < 2:
        return tuple(devices)
    ranked = sorted(whole, key=lambda device: (-(device.speed or 0.0), device.index or 0))
    number = {device.index: at for at, device in enumerate(ranked)}
    return tuple(
        replace(
            device,
            index=None if device.index is None else number[device.index],
            part_of=None if device.part_of is None else number[device.part_of],
        )
        for device in devices
    )


def _named(entry: str, devices: Sequence[Physical]) -> Physical | None:
    if entry.isascii() and entry.isdigit():
        found = next((device for device in devices if device.index == int(entry)), None)
        return None if found is None else _usable(found, devices)
    if not entry.startswith(("GPU-", "MIG-")):
        return None
    exact = [device for device in devices if entry in device.names]
    matches = exact or [
        device for device in devices if any(name.startswith(entry) for name in device.names)
    ]
    return _usable(matches[0], devices) if len(matches) == 1 else None


def _usable(device: Physical, devices: Sequence[Physical]) -> Physical:
    """The first instance of a GPU that is divided, else the device itself."""
    if device.index is None:
        return device
    return next((one for one in devices if one.part_of == device.index), device)
