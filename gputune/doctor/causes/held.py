"""GPUs whose memory, or whose only context, somebody else has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.lines import gibibytes, good, problem, warning
from gputune.doctor.causes.visible import shown
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding
from gputune.sensors.inventory import KnownGpu

MUCH_HELD: Final = 0.1
"""A tenth of the memory: more than a desktop's windows take (our own threshold)."""
LITTLE_FREE: Final = 0.1
"""Less than a tenth free: TensorFlow starts, and its first large tensor does not fit (our own)."""
_MOST: Final = 5


def findings(machine: Machine) -> Iterator[Finding]:
    """`gpu-memory-held`, `gpu-exclusive`, `gpu-prohibited`, or `gpu-memory` where it is free."""
    for device in shown(machine) or ():
        yield from _mode(device)
        total, used = device.memory_total_bytes, device.memory_used_bytes
        if not total or used is None:
            continue
        free = total - used
        text = f"{device.name}: {gibibytes(free)} of {gibibytes(total)} are free"
        if used <= MUCH_HELD * total:
            yield good("gpu-memory", f"{text}.")
            continue
        cure = (
            "End the processes that are not needed any more (a notebook keeps its memory until "
            "its kernel is restarted), or choose another GPU with CUDA_VISIBLE_DEVICES."
        )
        if not device.processes:
            cure += " They are not visible from here: see `nvidia-smi` on the host."
        kind = problem if free < LITTLE_FREE * total else warning
        who = [_held(machine, one.pid, one.bytes) for one in device.processes[:_MOST]]
        title = f"{text}: other processes hold the rest."
        yield kind("gpu-memory-held", title, *who, cure=cure)


def _mode(device: KnownGpu) -> Iterator[Finding]:
    if device.compute_mode == "prohibited":
        yield problem(
            "gpu-prohibited", f"{device.name} is set to take no compute process.",
            cure="`sudo nvidia-smi -c 0` lets programs use it again.",
        )  # fmt: skip
    if device.compute_mode == "exclusive" and device.processes:
        yield problem(
            "gpu-exclusive",
            f"{device.name} takes one process at a time, and has one: {device.processes[0].pid}.",
            cure="Wait for its end, choose another GPU, or `sudo nvidia-smi -c 0`.",
        )


def _held(machine: Machine, pid: int, size: int | None) -> str:
    name = machine.processes.get(pid)
    amount = "an unknown amount" if size is None else gibibytes(size)
    return f"process {pid}{f' ({name})' if name else ''} holds {amount}"
