"""What NVIDIA's driver says, asked by a child: a driver in trouble can hang whoever asks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import psutil

from gputune.doctor.facts.asking import Answer, ask
from gputune.doctor.machine import NO_ANSWER, Cuda
from gputune.sensors.inventory import HeldBy, Inventory, KnownGpu
from gputune.sensors.visible import Physical

TIMEOUT_S: Final = 20.0
"""A driver without a persistence daemon takes some seconds to wake each GPU."""


def ask_driver(
    environ: Mapping[str, str], *, timeout_s: float = TIMEOUT_S
) -> tuple[Inventory, Cuda]:
    """NVML's inventory, and what CUDA's own library says. Never raises."""
    try:
        answer = ask("gputune.doctor.facts.driver_child", timeout_s=timeout_s, environ=environ)
    except OSError as error:
        failure = f"it was not asked: {error.strerror or error}"
        return Inventory(failure=failure), Cuda(failure=failure)
    ended = _ended(answer, timeout_s)
    inventory = answer.facts.get("inventory")
    cuda = answer.facts.get("cuda")
    return (
        Inventory(failure=ended or "it was not asked") if inventory is None else _read(inventory),
        Cuda(failure=ended or "it was not asked") if cuda is None else _cuda(cuda, ended),
    )


def name_processes(pids: Iterable[int]) -> dict[int, str]:
    """Each process by its name and its user, where it can be looked at."""
    names = {}
    for pid in pids:
        try:
            process = psutil.Process(pid)
            names[pid] = f"{process.name()} of {process.username()}"
        except (psutil.Error, OSError, KeyError):
            continue
    return names


def _ended(answer: Answer, timeout_s: float) -> str:
    if answer.hung:
        return f"{NO_ANSWER} within {timeout_s:.0f} s"
    if answer.signal is not None:
        return f"asking it ended with signal {answer.signal}"
    if answer.exit_code:
        return f"asking it failed: {answer.messages[-1] if answer.messages else 'no reason given'}"
    return ""


def _cuda(body: Mapping[str, Any], ended: str) -> Cuda:
    version = body.get("version")
    return Cuda(
        path=body.get("path", ""),
        init_code=body.get("init_code"),
        version=None if version is None else (version[0], version[1]),
        devices=body.get("devices"),
        failure=(ended or body["failure"]) if body.get("failure") else "",
    )


def _read(body: Mapping[str, Any]) -> Inventory:
    cuda = body["cuda_version"]
    return Inventory(
        failure=body["failure"],
        error=body["error"],
        driver_version=body["driver_version"],
        cuda_version=None if cuda is None else (cuda[0], cuda[1]),
        devices=tuple(_gpu(one) for one in body["devices"]),
    )


def _gpu(body: Mapping[str, Any]) -> KnownGpu:
    capability = body["compute_capability"]
    physical = body["physical"]
    return KnownGpu(
        **{
            **body,
            "physical": Physical(**{**physical, "names": tuple(physical["names"])}),
            "compute_capability": None if capability is None else (capability[0], capability[1]),
            "processes": tuple(HeldBy(**one) for one in body["processes"]),
        }
    )
