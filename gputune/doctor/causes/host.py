"""The host's cores, memory and shared memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.gpu import cores
from gputune.doctor.causes.lines import gibibytes, good, note, warning
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding

LEAST_MEMORY: Final = 2 * 2**30
"""TensorFlow alone takes half a GiB; with data and a model, two are soon gone (our own)."""
LEAST_SHM: Final = 2**30
"""What NVIDIA gives its containers for NCCL (`--shm-size=1g`); Docker's own default is 64 MiB."""


def findings(machine: Machine) -> Iterator[Finding]:
    """`host`, `memory-short`, `shm-small`."""
    host = machine.host
    memory = "" if host.memory_bytes is None else f", {gibibytes(host.memory_bytes)} of memory"
    yield good("host", f"{cores(host.cores)}{memory}.")
    if host.available_bytes is not None and host.available_bytes < LEAST_MEMORY:
        yield warning(
            "memory-short", f"{gibibytes(host.available_bytes)} of memory are free.",
            cure="End other programs, or give the container more: where memory ends, the kernel "
            "ends the training.",
        )  # fmt: skip
    yield from _shm(machine)


def _shm(machine: Machine) -> Iterator[Finding]:
    """NCCL moves gradients between GPUs through it; Python's worker processes move batches."""
    size = machine.host.shm_bytes
    cure = "Start the container with --shm-size=1g or more, or with --ipc=host."
    if size is None:
        yield note("shm-absent", "There is no /dev/shm: processes cannot share memory.")
    elif size >= LEAST_SHM:
        yield good("shm", f"/dev/shm has {gibibytes(size)}.")
    elif len(machine.tensorflow.gpus or machine.driver.gpus) > 1:
        yield warning(
            "shm-small", f"/dev/shm has {gibibytes(size)}, too little for several GPUs.",
            cure=cure if machine.place.container else "Mount it larger: -o remount,size=2g.",
        )  # fmt: skip
    else:
        yield note(
            "shm-small", f"/dev/shm has {gibibytes(size)}.",
            "a training that uses worker processes, or several GPUs, needs more", cure=cure,
        )  # fmt: skip
