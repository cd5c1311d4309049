"""Threads that TensorFlow starts, against the cores that this process may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.gpu import cores
from gputune.doctor.causes.lines import good, warning
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding

_NUMBERS: Final = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
_INTRA: Final = "TF_NUM_INTRAOP_THREADS"
_TWICE: Final = 2.0
"""Threads per core from which on their switching costs more than they win (our own threshold)."""


def findings(machine: Machine) -> Iterator[Finding]:
    """`threads`, or what makes them too many, too few, or a number that is none."""
    found = [*_variables(machine), *_quota(machine)]
    yield from found
    if not found:
        said = ", ".join(f"{name}={machine.variable(name)}" for name in _set(machine))
        yield good("threads", f"Threads fit the cores{said and f' ({said})'}.")


def _set(machine: Machine) -> list[str]:
    return [name for name in _NUMBERS if machine.variable(name)]


def _variables(machine: Machine) -> Iterator[Finding]:
    usable = machine.host.cores
    for name in _NUMBERS:
        value = (machine.variable(name) or "").strip()
        if not value:
            continue
        # OpenMP takes a list, one number for each level of nesting.
        first = value.partition(",")[0].strip() if name == "OMP_NUM_THREADS" else value
        if not first.isdecimal():
            yield warning(
                "threads-not-understood", f"{name}={value} is no number of threads.",
                cure=f"Set a number, or unset {name}.",
            )  # fmt: skip
        elif int(first) > _TWICE * usable:
            yield warning(
                "threads-too-many", f"{name}={value} with {cores(usable)} to run on.",
                cure=f"Unset {name}, or set it to {max(1, int(usable))}.",
            )  # fmt: skip
        elif name == _INTRA and int(first) == 1 and usable >= 2:
            yield warning(
                "threads-too-few",
                f"{name}=1: an operation on the CPU uses one of {cores(usable)}.",
                cure=f"Unset {name}, if it is not there to make results repeatable.",
            )


def _quota(machine: Machine) -> Iterator[Finding]:
    """TensorFlow counts the cores of the affinity mask, and does not know the cgroup's quota.

    `NumSchedulableCPUs` in tsl/platform/default/port.cc reads sched_getaffinity alone.
    """
    host = machine.host
    if host.affinity_cores > _TWICE * host.cores and not machine.variable(_INTRA):
        number = max(1, round(host.cores))
        yield warning(
            "quota-below-cores",
            f"TensorFlow starts threads for {host.affinity_cores} cores, and the container's "
            f"quota is {cores(host.cores)}: they are held up in turn.",
            cure=f"TF_NUM_INTRAOP_THREADS={number} TF_NUM_INTEROP_THREADS={number}; or give it "
            "cores (`--cpuset-cpus`) in place of a quota (`--cpus`).",
        )
