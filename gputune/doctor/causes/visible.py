"""CUDA_VISIBLE_DEVICES: empty, or naming what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.lines import good, listed, problem, warning
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding
from gputune.sensors.inventory import KnownGpu
from gputune.sensors.visible import Physical, choose, in_cuda_order

NAME: Final = "CUDA_VISIBLE_DEVICES"
_HIDES: Final = ("", "-1")
"""The values with which people hide every GPU on purpose."""
_SLURM: Final = "NoDevFiles"
"""What Slurm gives to a job that asked for no GPU."""


def shown(machine: Machine) -> tuple[KnownGpu, ...] | None:
    """The devices that CUDA shows to a process here; None where the driver does not list them."""
    devices = machine.driver.devices
    if not devices:
        return None
    physical = _in_order(machine)
    chosen = choose(machine.variable(NAME), physical)
    # In CUDA's order the same device may have another number: its place in the list stays.
    places = [next(at for at, other in enumerate(physical) if other is one) for one in chosen]
    return tuple(devices[at] for at in places)


def findings(machine: Machine) -> Iterator[Finding]:
    """`gpus-hidden`, `visible-devices-wrong`, or `visible-devices` where it is in order."""
    value = machine.variable(NAME)
    if value is None or not machine.has_gpu:
        return
    if value.strip() in _HIDES:
        said = "is empty" if not value.strip() else f"is {value.strip()}"
        yield problem(
            "gpus-hidden", f"{NAME} {said}: it hides every GPU.",
            cure=f"Unset {NAME} (also look for it in the script: os.environ), or set it to the "
            "numbers of the GPUs to use. If the training is meant for the CPU, all is well.",
        )  # fmt: skip
        return
    if value.strip() == _SLURM:
        yield problem(
            "gpus-hidden", f"{NAME} is {_SLURM}: this job was given no GPU.",
            cure="Ask Slurm for one: --gres=gpu:1, or --gpus=1.",
        )  # fmt: skip
        return
    if not machine.driver.devices:
        return
    visible = shown(machine) or ()
    wrong = _first_wrong(value, _in_order(machine))
    if wrong is None:
        yield good("visible-devices", f"{NAME}={value} shows {listed(map(_label, visible))}.")
        return
    text = f"{NAME}={value}: {wrong}"
    if visible:
        yield warning(
            "visible-devices-wrong", f"{text}; CUDA shows {listed(map(_label, visible))} alone.",
            _there(machine), cure=_cure(),
        )  # fmt: skip
    else:
        yield problem(
            "visible-devices-wrong", f"{text}; CUDA shows no GPU at all.",
            _there(machine), cure=_cure(),
        )  # fmt: skip


def _in_order(machine: Machine) -> tuple[Physical, ...]:
    physical = [device.physical for device in machine.driver.devices]
    return in_cuda_order(physical, machine.variable("CUDA_DEVICE_ORDER"))


def _first_wrong(value: str, devices: tuple[Physical, ...]) -> str | None:
    """What the first entry is that hides itself and all that follow; None where there is none."""
    entries = [part.strip() for part in value.split(",")]
    for at in range(len(entries)):
        if len(choose(",".join(entries[: at + 1]), devices)) <= at:
            entry = entries[at]
            if not entry:
                return "an entry is empty"
            before = choose(",".join(entries[:at]), devices) if at else ()
            twice = any(choose(entry, devices) == (one,) for one in before)
            return f"{entry} is there twice" if twice else f"{entry} names no GPU"
    return None


def _there(machine: Machine) -> str:
    names = []
    for device in machine.driver.devices:
        number = device.physical.index
        name = device.physical.names[0] if device.physical.names else ""
        names.append(f"{name}" if number is None else f"{number} ({device.name}, {name})")
    return f"there are {', '.join(names)}"


def _cure() -> str:
    return (
        "Give numbers, UUIDs or MIG names that `nvidia-smi -L` lists; with several models of GPU, "
        "CUDA_DEVICE_ORDER=PCI_BUS_ID makes CUDA number them as nvidia-smi does."
    )


def _label(device: KnownGpu) -> str:
    return device.name
