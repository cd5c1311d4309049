"""Kernels and operations by their time on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gputune.schema.trace import Ranked
from gputune.trace import names
from gputune.trace.cover import Ints
from gputune.trace.device import Device, Events
from gputune.trace.functions import op_type
from gputune.trace.names import Kind
from gputune.trace.xplane import PS_PER_S

MOST: Final = 10


def kernels_of(device: Device) -> Events:
    """The kernels of a GPU, collectives and graphs among them, sorted by start."""
    return device.events.pick(device.events.kind == Kind.KERNEL)


def top_kernels(device: Device, kernels: Events, most: int = MOST) -> tuple[Ranked, ...]:
    """The kernels' names with the most time, longest first."""
    return _ranked(kernels.name, kernels, device.names, most)


def top_ops(device: Device, kernels: Events, most: int = MOST) -> tuple[Ranked, ...]:
    """The operations (`tf_op`, else `hlo_op`) whose kernels took the most time."""
    told = kernels.pick(kernels.op >= 0)
    return _ranked(told.op, told, device.ops, most, of=_total(kernels))


def top_op_types(device: Device, kernels: Events, most: int = MOST) -> tuple[Ranked, ...]:
    """The types of operations whose kernels took the most time: `MatMul`, `RandomUniform`."""
    numbers: dict[str, int] = {}
    types = [op_type(op) or "" for op in device.ops]
    table = np.array([numbers.setdefault(name, len(numbers)) for name in types], np.int32)
    told = kernels.pick(kernels.op >= 0)
    if not len(told):
        return ()
    found = _ranked(table[told.op], told, tuple(numbers), most + 1, of=_total(kernels))
    return tuple(entry for entry in found if entry.name)[:most]


def sixteen_bit(device: Device, kernels: Events) -> npt.NDArray[np.bool_]:
    """For each kernel whether it computes on 16-bit numbers, by its name or its shapes."""
    table = np.array([names.computes_in_16_bits(name) for name in device.names], bool)
    found: npt.NDArray[np.bool_] = table[kernels.name] | (kernels.sixteen != 0)
    return found


def on_tensor_cores(device: Device, kernels: Events) -> npt.NDArray[np.bool_]:
    """For each kernel whether it runs on tensor cores, by its name."""
    table = np.array([names.uses_tensor_cores(name) for name in device.names], bool)
    return table[kernels.name]


def collectives(device: Device, kernels: Events) -> npt.NDArray[np.bool_]:
    """For each kernel whether it exchanges values between GPUs."""
    table = np.array([names.is_collective(name) for name in device.names], bool)
    return table[kernels.name]


def _total(kernels: Events) -> int:
    return int((kernels.end - kernels.start).sum())


def _ranked(
    keys: npt.NDArray[np.int32],
    kernels: Events,
    table: Sequence[str],
    most: int,
    *,
    of: int | None = None,
) -> tuple[Ranked, ...]:
    """Group the kernels by `keys`, which index `table`; `of` is what the shares are of."""
    if not len(keys):
        return ()
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[order], prepend=-1))
    length: Ints = (kernels.end - kernels.start)[order]
    totals = np.add.reduceat(length, first)
    counts = np.diff(first, append=len(keys))
    whole = int(length.sum()) if of is None else of
    found = [
        (table[int(keys[order[at]])], int(count), int(total))
        for at, count, total in zip(first, counts, totals, strict=True)
    ]
    found.sort(key=lambda entry: (-entry[2], entry[0]))
    return tuple(
        Ranked(
            name=name,
            count=count,
            total_s=total / PS_PER_S,
            fraction=total / whole if whole else 0.0,
        )
        for name, count, total in found[:most]
    )
