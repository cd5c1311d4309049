"""GPUs that are divided into instances."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.doctor.causes.lines import listed, note, problem
from gputune.doctor.causes.visible import NAME, shown
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding


def findings(machine: Machine) -> Iterator[Finding]:
    """`mig-without-instance` where a GPU is to be divided and is not, `mig` where it is."""
    for gpu in machine.driver.gpus:
        instances = [
            one for one in machine.driver.devices if one.mig and one.physical.part_of
            == gpu.physical.index
        ]  # fmt: skip
        if instances:
            names = listed(one.name for one in instances)
            chosen = listed(one.name for one in shown(machine) or () if one in instances)
            yield note(
                "mig",
                f"GPU {gpu.physical.index} is divided into {names}: CUDA gives a process one.",
                f"here it gives {chosen}" if chosen else "here it gives none of them",
                cure=f"{NAME}=MIG-… (of `nvidia-smi -L`) chooses another.",
            )
        elif gpu.mig_mode:
            yield problem(
                "mig-without-instance",
                f"GPU {gpu.physical.index} ({gpu.name}) is in MIG mode, and has no instance: CUDA "
                "does not see it.",
                cure="Make instances (`sudo nvidia-smi mig -cgi 0 -C` makes one of the whole GPU), "
                "or leave the mode (`sudo nvidia-smi -mig 0`).",
            )
