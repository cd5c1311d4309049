"""Which GPUs a process sees: CUDA_VISIBLE_DEVICES against the driver's list. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Physical:
    """A device as the driver lists it: a GPU, or a MIG instance of one.

    `index` is the GPU's number in the driver's list, None for a MIG instance. `names` are all
    the names it answers to: its UUID, and for MIG also `MIG-GPU-<uuid>/<gi>/<ci>`.
    """

    index: int | None
    names: tuple[str, ...]


def choose(visible: str | None, devices: Sequence[Physical]) -> tuple[Physical, ...]:
    """The devices that CUDA shows to a process with that CUDA_VISIBLE_DEVICES, in its order.

    None shows every GPU. Otherwise the list is read as CUDA does: indices, UUIDs, or unambiguous
    beginnings of UUIDs; the first entry that names no device hides itself and all that follow,
    and so an empty value or `-1` hides everything.

    Indices are taken in the driver's order (that of the bus). CUDA's own default is the fastest
    first, which differs only where a machine mixes models and CUDA_DEVICE_ORDER is not set.
    """
    if visible is None:
        return tuple(device for device in devices if device.index is not None)
    chosen: list[Physical] = []
    for entry in (part.strip() for part in visible.split(",")):
        device = _named(entry, devices)
        if device is None or device in chosen:
            break
        chosen.append(device)
    return tuple(chosen)


def _named(entry: str, devices: Sequence[Physical]) -> Physical | None:
    if entry.isascii() and entry.isdigit():
        return next((device for device in devices if device.index == int(entry)), None)
    if not entry.startswith(("GPU-", "MIG-")):
        return None
    exact = [device for device in devices if entry in device.names]
    matches = exact or [
        device for device in devices if any(name.startswith(entry) for name in device.names)
    ]
    return matches[0] if len(matches) == 1 else None
