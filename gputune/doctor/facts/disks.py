"""The file system that a folder lies on: its kind, what it lies on, the room on it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from gputune.doctor.machine import Disk


def disk(
    folder: Path,
    *,
    mounts: Path = Path("/proc/self/mountinfo"),
    sys: Path = Path("/sys"),
    cpuinfo: Path = Path("/proc/cpuinfo"),
) -> Disk:
    """Describe the disk of a folder. Never raises."""
    try:
        real = folder.resolve(strict=True)
        free = shutil.disk_usage(real).free
    except OSError as error:
        return Disk(folder=str(folder), error=error.strerror or str(error))
    kind, device = _mount(real, _text(mounts))
    # A virtual machine's disk says that it rotates whatever it lies on.
    virtual = re.search(r"^flags\s*:.*\bhypervisor\b", _text(cpuinfo), re.MULTILINE) is not None
    return Disk(
        folder=str(folder),
        kind=kind,
        rotating=None if virtual else _rotating(device, sys),
        free_bytes=free,
    )


def shm_bytes(folder: Path = Path("/dev/shm")) -> int | None:
    """The size of the shared memory's file system; None where there is none."""
    try:
        return shutil.disk_usage(folder).total
    except OSError:
        return None


def _mount(folder: Path, text: str) -> tuple[str, str]:
    """The kind and the source of what is mounted nearest above a folder, the last one winning."""
    best, found = -1, ("", "")
    for point, kind, source in _mounts(text):
        above = point == "/" or str(folder) == point or str(folder).startswith(point + "/")
        if above and len(point) >= best:
            best, found = len(point), (kind, source)
    return found


def _mounts(text: str) -> Iterator[tuple[str, str, str]]:
    """Mount point, kind and source of each line (proc(5), mountinfo: `- kind source options`)."""
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        left, right = before.split(), after.split()
        if dash and len(left) > 4 and len(right) > 1:
            yield _unescaped(left[4]), right[0], _unescaped(right[1])


def _unescaped(name: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), name)


def _rotating(source: str, sys: Path) -> bool | None:
    if not source.startswith("/dev/"):
        return None
    try:
        number = Path(source).stat().st_rdev
        block = (sys / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}").resolve()
        for place in (block, block.parent):  # a partition's queue is its disk's
            flag = place / "queue" / "rotational"
            if flag.exists():
                return flag.read_text(encoding="ascii").strip() == "1"
    except (OSError, ValueError):
        pass
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
