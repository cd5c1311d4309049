"""From the card to CUDA's driver library: the first step that does not hold is the cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.cuda_library import cuda_library, no_libraries
from gputune.doctor.causes.device_files import (
    NO_LIBRARY,
    device_files,
    memory_device,
    no_driver,
    permission,
)
from gputune.doctor.causes.lines import dotted, good, note, problem
from gputune.doctor.causes.windows import windows
from gputune.doctor.cuda import minimum_driver
from gputune.doctor.machine import NO_ANSWER, Machine
from gputune.doctor.requirement import numeric
from gputune.schema.finding import Finding

_MISMATCH: Final = "NVMLError_LibRmVersionMismatch"
_NOT_LOADED: Final = "NVMLError_DriverNotLoaded"


def findings(machine: Machine) -> Iterator[Finding]:
    """The version that works, or the cause for which TensorFlow cannot see a GPU."""
    if not machine.has_gpu:
        return
    too_old = _too_old(machine)
    if too_old is not None:
        yield too_old
        return
    if not machine.sees_gpu:
        steps = (windows, device_files, permission, _nvml, memory_device, cuda_library)
        for step in steps:
            found = step(machine)
            if found is not None:
                yield found
                return
    if machine.driver.driver_version:
        yield _version(machine)


def _version(machine: Machine) -> Finding:
    driver, build = machine.driver, machine.tensorflow.build
    title = f"NVIDIA driver {driver.driver_version}"
    if driver.cuda_version is None:
        return good("driver", f"{title}.")
    title += f", for CUDA up to {dotted(driver.cuda_version)}"
    built = None if build is None or not build.cuda else numeric(build.cuda_version)
    if built is not None and driver.cuda_version < built[:2]:
        return note(
            "driver-older-than-build",
            f"{title}; TensorFlow was built for CUDA {dotted(built)}.",
            "NVIDIA lets programs of one major version run on each of its drivers, except for "
            "code that is compiled on this machine from PTX",
            cure="A driver that is as new as TensorFlow's CUDA has no such exception.",
        )
    return good("driver", f"{title}.")


def _too_old(machine: Machine) -> Finding | None:
    """The driver against NVIDIA's table, `cuda.MINIMUM_DRIVER`."""
    build = machine.tensorflow.build
    if build is None or not build.cuda or machine.sees_gpu:
        return None
    spoken = machine.driver.driver_version or machine.hardware.module_version
    has, needs = numeric(spoken), minimum_driver(build.cuda_version)
    if has is None or needs is None or has >= needs or _compatibility_package(machine):
        return None
    return problem(
        "driver-too-old",
        f"NVIDIA driver {spoken} is older than the CUDA that TensorFlow was built for.",
        f"CUDA {build.cuda_version} needs driver {dotted(needs)} or newer",
        cure=f"Update the driver to {needs[0]} or newer, or install a TensorFlow that was built "
        "for an older CUDA.",
    )


def _compatibility_package(machine: Machine) -> bool:
    """Whether libcuda is newer than the kernel's part (cuda-compat), and starts."""
    build, cuda = machine.tensorflow.build, machine.cuda
    built = numeric(build.cuda_version) if build is not None else None
    if cuda.version is None or built is None:
        return False
    return cuda.init_code == 0 and cuda.version[0] >= built[0]


def _nvml(machine: Machine) -> Finding | None:
    """What NVML's own failure says, where the device files are there."""
    driver = machine.driver
    if not driver.failure or machine.place.wsl2:
        return None
    if driver.failure.startswith(NO_ANSWER):
        return problem(
            "driver-hangs", "NVIDIA's driver does not answer.", driver.failure,
            cure="A GPU that fell off the bus, or that is being reset, hangs whoever asks: see "
            "`sudo dmesg | grep -i -e nvrm -e xid`; restarting the machine helps.",
        )  # fmt: skip
    if driver.error == _MISMATCH:
        return problem(
            "driver-mismatch",
            "The driver was updated, and its old kernel module is still loaded.",
            f"{driver.failure}; loaded is {machine.hardware.module_version or 'another one'}",
            cure="Restart the machine (in a container: start it again, so that it gets the host's "
            "present libraries).",
        )
    if driver.error == _NOT_LOADED:
        return no_driver(machine)
    if driver.error == NO_LIBRARY:
        # NVML is only how gputune asks: CUDA may start all the same.
        return None if machine.cuda.path else no_libraries(machine)
    if driver.error == "ModuleNotFoundError":
        return None
    return problem(
        "driver-failing", "NVIDIA's driver does not list its GPUs.", driver.failure,
        cure="See what `nvidia-smi` says, and `sudo dmesg | grep -i -e nvrm -e xid`.",
    )  # fmt: skip
