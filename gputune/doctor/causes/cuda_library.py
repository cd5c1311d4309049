"""CUDA's driver library, libcuda.so.1: not there, or not starting."""

from __future__ import annotations

from typing import Final

from gputune.doctor.causes.lines import problem
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding

_NO_DEVICE: Final = 100
_UNKNOWN: Final = (
    "See what `nvidia-smi` says, and `sudo dmesg | grep -i -e nvrm -e xid`; after a suspend, "
    "`sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm` helps."
)
_CODES: Final = {
    # CUresult, in cuda.h of the CUDA driver API.
    46: ("the device is unavailable", "Another process has it for itself: see `nvidia-smi`."),
    802: (
        "the system is not ready",
        "On machines with NVSwitch: `sudo systemctl start nvidia-fabricmanager`, of the driver's "
        "own version.",
    ),
    803: (
        "the library and the kernel module are of different versions",
        "Restart the machine, or the container; take a `compat` folder of CUDA out of "
        "LD_LIBRARY_PATH.",
    ),
    804: (
        "forward compatibility is not for this GPU",
        "Take the `compat` folder of CUDA out of LD_LIBRARY_PATH: it is for data-centre GPUs.",
    ),
    999: ("unknown error", _UNKNOWN),
}


def cuda_library(machine: Machine) -> Finding | None:
    """libcuda.so.1 and its cuInit, which a child process called."""
    cuda = machine.cuda
    if cuda.failure and not cuda.path:
        if "libcuda" not in cuda.failure:
            return None  # it was not asked
        return (
            _container_without_cuda(machine) if machine.place.container else no_libraries(machine)
        )
    if cuda.failure:
        return problem(
            "cuda-does-not-start", "CUDA's driver library does not start.", cuda.failure,
            cure="See `sudo dmesg | grep -i -e nvrm -e xid`; restarting the machine helps.",
        )  # fmt: skip
    if not cuda.init_code or cuda.init_code == _NO_DEVICE:
        return None
    said, cure = _CODES.get(cuda.init_code, ("", _UNKNOWN))
    return problem(
        "cuda-does-not-start", "CUDA's driver library does not start.",
        f"cuInit returns {cuda.init_code}{said and f': {said}'}", f"libcuda.so.1 is {cuda.path}",
        cure=cure,
    )  # fmt: skip


def no_libraries(machine: Machine) -> Finding:
    """The kernel's part of the driver is there, and the libraries are not."""
    if machine.place.container:
        return _container_without_cuda(machine)
    return problem(
        "no-driver-library", "The driver's libraries are not found, though its module is loaded.",
        machine.cuda.failure, machine.driver.failure,
        cure="Install the driver's compute libraries (Ubuntu: `libnvidia-compute-…` of the same "
        "version), then `sudo ldconfig`.",
    )  # fmt: skip


def _container_without_cuda(machine: Machine) -> Finding:
    given = machine.variable("NVIDIA_DRIVER_CAPABILITIES")
    return problem(
        "container-without-cuda",
        "The container has the GPU's device files, and not CUDA's driver library.",
        machine.cuda.failure,
        *([] if given is None else [f"NVIDIA_DRIVER_CAPABILITIES={given}"]),
        cure="Start it with NVIDIA_DRIVER_CAPABILITIES=compute,utility (`-e` of docker run): "
        "`compute` is what brings libcuda.so.1.",
    )
