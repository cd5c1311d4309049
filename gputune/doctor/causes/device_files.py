"""The card, its kernel driver, and the files below /dev through which it is reached."""

from __future__ import annotations

from typing import Final

from gputune.doctor.causes.gpu import lending
from gputune.doctor.causes.lines import listed, problem, warning
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding

NO_LIBRARY: Final = "NVMLError_LibraryNotFound"
_INSTALL: Final = (
    "Install NVIDIA's driver for this distribution (Ubuntu: `sudo ubuntu-drivers install`), "
    "restart, and see that `nvidia-smi` lists the GPU."
)


def device_files(machine: Machine) -> Finding | None:
    """No /dev/nvidia0: the container has none, or the driver made none, or there is no driver."""
    hardware = machine.hardware
    if machine.place.wsl2 or any(one.path[-1:].isdigit() for one in hardware.files):
        return None
    driven = any(card.driver == "nvidia" for card in hardware.cards)
    if machine.place.container and (driven or hardware.module_version is not None):
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
    return no_driver(machine)


def no_driver(machine: Machine) -> Finding:
    """Who holds the card, where NVIDIA's driver does not."""
    cards = machine.hardware.cards
    holders = {card.driver for card in cards} - {""}
    where = f"NVIDIA card at {listed(card.address for card in cards)}" if cards else ""
    at = "On the container's host: " if machine.place.container else ""
    if "nouveau" in holders:
        return problem(
            "nouveau", "The card is held by nouveau, a driver that has no CUDA.", where,
            cure=f"{at}{_INSTALL} It takes nouveau's place.",
        )  # fmt: skip
    if holders and all(name.startswith("vfio") for name in holders):
        return warning(
            "card-passed-on", "The card is set aside for a virtual machine.",
            f"{where}, held by {listed(sorted(holders))}",
            cure="Train inside of that virtual machine, or give the card back to NVIDIA's driver.",
        )  # fmt: skip
    if machine.driver.error == NO_LIBRARY:
        return problem(
            "no-driver", "There is an NVIDIA card, and no NVIDIA driver.",
            *filter(None, [where, machine.driver.failure]), cure=f"{at}{_INSTALL}",
        )  # fmt: skip
    return problem(
        "driver-not-loaded", "NVIDIA's driver is installed, and its kernel module is not loaded.",
        *filter(None, [where, machine.driver.failure]),
        cure=f"{at}`sudo modprobe nvidia` says why: Secure Boot refuses a module that is not "
        "signed, and a new kernel needs the module built again (`sudo dkms autoinstall`).",
    )  # fmt: skip


def permission(machine: Machine) -> Finding | None:
    """Device files that this user, or this container, may not open."""
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


def memory_device(machine: Machine) -> Finding | None:
    """/dev/nvidia-uvm, which is made later than the others, and which CUDA needs."""
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
