"""Who else has a context on a GPU: the driver's list without the script's process tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import psutil

from gputune.sensors import metrics
from gputune.sensors.nvml_devices import Device
from gputune.sensors.nvml_errors import Asker
from gputune.sensors.protocol import Point, Reading

EVERY_S: Final = 0.5
FOREIGN: Final = (
    "the driver's process numbers are not those of this container, so the script's own cannot be "
    "told from others"
)
NO_SIZES: Final = "the driver does not say how much memory each process has"
_INITIAL_NAMESPACE: Final = 0xEFFFFFFC
"""PROC_PID_INIT_INO of Linux' include/linux/proc_ns.h."""


class Family:
    """The script and the processes that it started, or that those did."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[int, bool] = {}

    def has(self, pid: int) -> bool:
        """Whether a process belongs to it; False where it cannot be looked at."""
        if pid == self._pid:
            return True
        if pid not in self._known:
            # Kept, since a worker whose parent has ended has lost its ancestors.
            try:
                ancestors = psutil.Process(pid).parents()
            except (psutil.Error, OSError):
                return False
            self._known[pid] = any(parent.pid == self._pid for parent in ancestors)
        return self._known[pid]


class GpuProcesses:
    """Counts the processes on a GPU that are none of the script's.

    `exists` says whether there is a process of that number here, `at_home` whether the numbers
    here are those of the machine and not of a container.
    """

    def __init__(
        self,
        has: Callable[[int], bool],
        *,
        exists: Callable[[int], bool] = psutil.pid_exists,
        at_home: bool | None = None,
    ) -> None:
        self._has, self._exists = has, exists
        self._at_home = in_initial_namespace() if at_home is None else at_home

    def read(self, nvml: Any, index: int, device: Device, asker: Asker) -> list[Reading]:
        """Return how many others there are now, and how much memory they have."""
        listed = asker.ask(metrics.OTHER_PROCESSES, lambda: listed_processes(nvml, device.handle))
        if listed is None:
            asker.reasons[metrics.OTHER_BYTES] = asker.reasons[metrics.OTHER_PROCESSES]
            return []
        others = self.others(listed)
        if others is None:
            for metric in (metrics.OTHER_PROCESSES, metrics.OTHER_BYTES):
                asker.reasons[metric] = FOREIGN
            return []
        t = time.perf_counter()
        found = [Reading(index, metrics.OTHER_PROCESSES, Point(t, float(len(others))))]
        sizes = [listed[pid] for pid in others]
        if None in sizes:
            asker.reasons[metrics.OTHER_BYTES] = NO_SIZES
        else:
            total = float(sum(size or 0 for size in sizes))
            found.append(Reading(index, metrics.OTHER_BYTES, Point(t, total)))
        return found

    def others(self, pids: Iterable[int]) -> set[int] | None:
        """Return those that are none of the script's; None where the numbers say nothing here."""
        listed = set(pids)
        strangers = {pid for pid in listed if not self._has(pid)}
        unknown = {pid for pid in strangers if not self._exists(pid)}
        if unknown and not self._at_home and strangers == listed:
            return None
        # At home a number without a process is one that has just ended.
        return strangers - unknown if self._at_home else strangers


def in_initial_namespace(link: Path = Path("/proc/self/ns/pid")) -> bool:
    """Whether process numbers here are the machine's own, and not a container's."""
    try:
        return str(link.readlink()) == f"pid:[{_INITIAL_NAMESPACE}]"
    except OSError:
        return False


def listed_processes(nvml: Any, handle: Any) -> dict[int, int | None]:
    """Return each process with a context on the device, and the bytes that it has there."""
    found: dict[int, int | None] = {}
    for kind in ("Compute", "Graphics"):
        for process in _running(nvml, kind, handle):
            size = process.usedGpuMemory
            found[int(process.pid)] = None if size is None else int(size)
    return found


def _running(nvml: Any, kind: str, handle: Any) -> list[Any]:
    newest = f"nvmlDeviceGet{kind}RunningProcesses"
    try:
        listed: list[Any] = getattr(nvml, newest)(handle)
    except Exception as error:
        # The package's unversioned name stands for the newest version alone.
        if type(error).__name__ not in ("NVMLLibraryMismatchError", "NVMLError_FunctionNotFound"):
            raise
        listed = getattr(nvml, f"{newest}_v2")(handle)
    return listed
