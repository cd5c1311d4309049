"""What of a machine decides which values it supports."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.schema.profile import Profile


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The devices that a script sees.

    `compute_capability` is the lowest of its GPUs (8.6 as (8, 6)), None where it is not known.
    """

    gpus: int = 0
    compute_capability: tuple[int, int] | None = None


def machine_of(profile: Profile) -> Machine:
    """The machine that a profile was taken on: TensorFlow's devices, the driver's figures."""
    gpus = sum(device.startswith("GPU") for device in profile.environment.devices)
    found = [capability(gpu.compute_capability) for gpu in profile.gpus]
    known = [pair for pair in found if pair is not None]
    return Machine(gpus=gpus, compute_capability=min(known, default=None) if gpus else None)


def capability(text: str | None) -> tuple[int, int] | None:
    """`8.6` as (8, 6); None for anything else."""
    major, dot, minor = (text or "").partition(".")
    if not (dot and major.isdecimal() and minor.isdecimal()):
        return None
    return int(major), int(minor)


def needs_gpu(machine: Machine, what: str) -> str:
    """Why the machine cannot have it where it has no GPU, or nothing."""
    return "" if machine.gpus else f"no NVIDIA GPU is seen, and {what}"
