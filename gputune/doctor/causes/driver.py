"""From the card to CUDA's driver library: the first step that does not hold is the cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.gpu import lending
from gputune.doctor.causes.lines import dotted, good, listed, note, problem, warning
from gputune.doctor.cuda import minimum_driver
from gputune.doctor.machine import NO_ANSWER, Machine
from gputune.doctor.requirement import numeric
from gputune.schema.finding import Finding

_INSTALL: Final = (
    "Install NVIDIA's driver for this distribution (Ubuntu: `sudo ubuntu-drivers install`), "
    "restart, and see that `nvidia-smi` lists the GPU."
)
_MISMATCH: Final = "NVMLError_LibRmVersionMismatch"
_NOT_LOADED: Final = "NVMLError_DriverNotLoaded"
_NO_LIBRARY: Final = "NVMLError_LibraryNotFound"


def findings(machine: Machine) -> Iterator[Finding]:
    """The version that works, or the cause for which TensorFlow cannot see a GPU."""
    if not machine.has_gpu:
        return
    too_old = _too_old(machine)
    if too_old is not None:
        yield too_old
        return
    if not machine.sees_gpu:
        steps = (_windows, _device_files, _permission, _nvml, _memory_device, _cuda_library)
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


def _windows(machine: Machine) -> Finding | None:
    """WSL2 (NVIDIA, «CUDA on WSL User Guide»): Windows lends its driver, Linux has none."""
    if not machine.place.wsl2:
        return None
    path = machine.cuda.path
    if machine.place.wsl_driver and not path:
        return problem(
            "wsl2-library-not-found",
            "Windows lends its driver, and the loader does not find it.",
            machine.cuda.failure,
            cure="Add /usr/lib/wsl/lib to LD_LIBRARY_PATH, or to /etc/ld.so.conf.d and run "
            "`sudo ldconfig`.",
        )
    if path and "/wsl/" not in path:
        return problem(
            "wsl2-linux-driver",
            "A Linux driver is installed inside of WSL2: it hides the one that Windows lends.",
            f"libcuda.so.1 is {path}",
            cure="Remove the Linux driver (`sudo apt purge 'libnvidia-compute-*' "
            "'nvidia-driver-*'`); the driver belongs on Windows.",
        )
    if not any(one.path == "/dev/dxg" for one in machine.hardware.files):
        return problem(
            "no-device-file", "There is no /dev/dxg, through which WSL2 reaches the GPU.",
            cure="Run `wsl --update` and `wsl --shutdown` on Windows; WSL1 has no GPU: "
            "`wsl --set-version DISTRIBUTION 2`.",
        )  # fmt: skip
    return None


def _device_files(machine: Machine) -> Finding | None:
    """No /dev/nvidia0: the container has none, or the driver made none, or there is no driver."""
    hardware = machine.hardware
    if machine.place.wsl2 or any(one.path[-1:].isdigit() for one in hardware.files):
        return None
    if machine.place.container:
        lent = machine.variable("NVIDIA_VISIBLE_DEVICES")
        return problem(
            "container-without-gpu",
            "This container was started without access to the machine's GPU.",
            *machine.gpu_signs,
            "there is no /dev/nvidia0 in it",
            *([] if lent is None else [f"NVIDIA_VISIBLE_DEVICES={lent}"]),
            cure=f"Start it with the GPU: {lending(machine.place.container)}.",
        )
    if hardware.module_version is not None:
        return problem(
            "no-device-file", "NVIDIA's driver is loaded, and there is no /dev/nvidia0.",
            f"kernel module {hardware.module_version}",
            cure="`sudo nvidia-modprobe -u -c 0` makes the device files; `nvidia-smi`, run once as "
            "root, does so, too.",
        )  # fmt: skip
    return _no_driver(machine)


def _no_driver(machine: Machine) -> Finding:
    cards = machine.hardware.cards
    holders = {card.driver for card in cards} - {""}
    where = f"NVIDIA card at {listed(card.address for card in cards)}" if cards else ""
    if "nouveau" in holders:
        return problem(
            "nouveau", "The card is held by nouveau, a driver that has no CUDA.", where,
            cure=f"{_INSTALL} It takes nouveau's place.",
        )  # fmt: skip
    if holders and all(name.startswith("vfio") for name in holders):
        return warning(
            "card-passed-on", "The card is set aside for a virtual machine.",
            f"{where}, held by {listed(sorted(holders))}",
            cure="Train inside of that virtual machine, or give the card back to NVIDIA's driver.",
        )  # fmt: skip
    if machine.driver.error == _NO_LIBRARY:
        return problem(
            "no-driver", "There is an NVIDIA card, and no NVIDIA driver.",
            *filter(None, [where, machine.driver.failure]), cure=_INSTALL,
        )  # fmt: skip
    return problem(
        "driver-not-loaded", "NVIDIA's driver is installed, and its kernel module is not loaded.",
        *filter(None, [where, machine.driver.failure]),
        cure="`sudo modprobe nvidia` says why: Secure Boot refuses a module that is not signed, "
        "and a new kernel needs the module built again (`sudo dkms autoinstall`).",
    )  # fmt: skip


def _permission(machine: Machine) -> Finding | None:
    denied = [one for one in machine.hardware.files if one.error]
    if not denied or machine.driver.devices:
        return None
    cure = "Ask for membership in the files' group (`ls -l /dev/nvidia*`), often `video`."
    if machine.place.container:
        cure = (
            f"The container is not allowed to open them: {lending(machine.place.container)}. In "
            "one that ran for long, systemd may have taken the right away: start it again."
        )
    return problem(
        "device-permission", "NVIDIA's device files cannot be opened by this user.",
        *(f"{one.path}: {one.error}" for one in denied), cure=cure,
    )  # fmt: skip


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
        return _no_driver(machine)
    if driver.error == _NO_LIBRARY:
        # NVML is only how gputune asks: CUDA may start all the same.
        return None if machine.cuda.path else _no_libraries(machine)
    if driver.error == "ModuleNotFoundError":
        return None
    return problem(
        "driver-failing", "NVIDIA's driver does not list its GPUs.", driver.failure,
        cure="See what `nvidia-smi` says, and `sudo dmesg | grep -i -e nvrm -e xid`.",
    )  # fmt: skip


def _no_libraries(machine: Machine) -> Finding:
    if machine.place.container:
        return _container_without_cuda(machine)
    return problem(
        "no-driver-library", "The driver's libraries are not found, though its module is loaded.",
        machine.cuda.failure, machine.driver.failure,
        cure="Install the driver's compute libraries (Ubuntu: `libnvidia-compute-…` of the same "
        "version), then `sudo ldconfig`.",
    )  # fmt: skip


def _memory_device(machine: Machine) -> Finding | None:
    files = {one.path: one.error for one in machine.hardware.files}
    if machine.place.wsl2 or machine.cuda.init_code == 0:
        return None
    if "/dev/nvidia-uvm" not in files:
        return problem(
            "no-uvm", "There is no /dev/nvidia-uvm: CUDA does not start without it.",
            cure="`sudo nvidia-modprobe -u` on the host makes it"
            + (", then start the container again." if machine.place.container else "."),
        )  # fmt: skip
    return None


def _cuda_library(machine: Machine) -> Finding | None:
    cuda = machine.cuda
    if cuda.failure and not cuda.path:
        if "libcuda" not in cuda.failure:
            return None  # it was not asked
        return (
            _container_without_cuda(machine) if machine.place.container else _no_libraries(machine)
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
