"""What the kernel shows of NVIDIA's hardware: the PCI bus, the device files, the loaded module."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path
from typing import Final

from gputune.doctor.machine import DeviceFile, Hardware, PciCard

_NVIDIA: Final = "0x10de"
_DISPLAY: Final = "0x03"
"""PCI's base class of display controllers: VGA, 3D. NVIDIA's network and audio are others."""
_FILES: Final = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm", "dxg")


def hardware(root: Path = Path("/")) -> Hardware:
    """Look below `root`, which tests make up."""
    driver = root / "proc" / "driver" / "nvidia"
    return Hardware(
        cards=_cards(root / "sys" / "bus" / "pci" / "devices"),
        files=tuple(
            DeviceFile(path="/" + str(file.relative_to(root)), error=_why_not_opened(file))
            for pattern in _FILES
            for file in sorted((root / "dev").glob(pattern))
        ),
        module_version=module_version(_text(driver / "version")),
        counters_for_administrators=_parameter(_text(driver / "params"), "RmProfilingAdminOnly"),
    )


def module_version(text: str | None) -> str | None:
    """550.54.15 of `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue …`."""
    found = re.search(r"NVRM version:.*?(\d+\.\d+(?:\.\d+)?)", text or "")
    if found:
        return found.group(1)
    return None if text is None else "of an unknown version"


def _cards(bus: Path) -> tuple[PciCard, ...]:
    found = []
    with contextlib.suppress(OSError):
        for device in sorted(bus.iterdir()):
            vendor, kind = _text(device / "vendor"), _text(device / "class")
            if (vendor or "").strip() == _NVIDIA and (kind or "").startswith(_DISPLAY):
                link = device / "driver"
                driver = link.resolve().name if link.exists() else ""
                found.append(PciCard(address=device.name, driver=driver))
    return tuple(found)


def _why_not_opened(file: Path) -> str:
    """Open it as CUDA does: a container's rules deny what the file's own mode allows."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return ""
        return error.strerror or str(error)
    return ""


def _parameter(text: str | None, name: str) -> bool | None:
    found = re.search(rf"^{name}:\s*(\d+)\s*$", text or "", re.MULTILINE)
    return None if found is None else found.group(1) != "0"


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
