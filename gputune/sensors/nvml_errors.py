"""Why NVML does not answer, in words; and the one place where it is asked.

NVML's errors are told apart by the names of their classes, which pynvml makes from those of
nvml.h, so that nothing here imports it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

NO_DRIVER: Final = "no NVIDIA driver on this machine (libnvidia-ml.so.1 not found)"
NO_PERMISSION: Final = "no permission: the machine's administrator restricts it"
NOT_SUPPORTED: Final = "not supported by this GPU and its driver"
NOT_ON_MIG: Final = "not available for a MIG instance, which is a part of a GPU"
WSL2: Final = ": under WSL2 the driver gives few figures"
OLD_DRIVER: Final = "the NVIDIA driver is too old for it"
OLD_PACKAGE: Final = "the package nvidia-ml-py is too old for it"
LOST: Final = "the GPU was lost: it no longer answers its driver"

_STARTING: Final = {
    "NVMLError_LibraryNotFound": NO_DRIVER,
    "NVMLError_DriverNotLoaded": "the NVIDIA driver is installed but not loaded",
    "NVMLError_LibRmVersionMismatch": (
        "the NVIDIA driver's library and its kernel module are of different versions, as after an "
        "update without a restart"
    ),
    "NVMLError_NoPermission": "no permission to ask the NVIDIA driver",
}
_ASKING: Final = {
    "NVMLError_NotSupported": NOT_SUPPORTED,
    "NVMLError_NoPermission": NO_PERMISSION,
    "NVMLError_FunctionNotFound": OLD_DRIVER,
    "NVMLLibraryMismatchError": OLD_DRIVER,
    "NVMLError_GpuIsLost": LOST,
    "NVMLError_ResetRequired": LOST,
    "AttributeError": OLD_PACKAGE,
}
# What does not change while the script runs, and so is not asked for again.
_LASTING: Final = frozenset(_ASKING.values())


def why_not_started(error: Exception) -> str:
    """Say why nvmlInit failed."""
    return _STARTING.get(type(error).__name__) or f"NVML does not start: {error}"


def why_not_answered(error: Exception) -> str:
    """Say why a metric has no value."""
    return _ASKING.get(type(error).__name__) or f"the NVIDIA driver says: {error}"


def under_wsl2(version: Path = Path("/proc/version")) -> bool:
    """Whether this is Linux under Windows: its kernel is Microsoft's."""
    try:
        return "microsoft" in version.read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return False


class Asker:
    """Asks NVML about one device, and keeps why a metric has no value.

    `lost_at` is the time of perf_counter() at which the GPU was found to be lost; from then on
    nothing is asked.
    """

    def __init__(self, *, mig: bool = False, wsl2: bool = False) -> None:
        self._mig, self._wsl2 = mig, wsl2
        self._lasting: set[str] = set()
        self.lost_at: float | None = None
        self.reasons: dict[str, str] = {}

    def ask(self, metric: str, question: Callable[[], Any]) -> Any:
        """Return the answer, or None with the reason kept. Never raises."""
        if self.lost_at is not None:
            self.reasons.setdefault(metric, LOST)
            return None
        if metric in self._lasting:
            return None
        try:
            return question()
        except Exception as error:  # each NVMLError, and what ctypes and the package raise
            self.fail(metric, error)
            return None

    def fail(self, metric: str, error: Exception) -> None:
        """Keep why a metric has no value."""
        reason = why_not_answered(error)
        if reason == LOST and self.lost_at is None:
            self.lost_at = time.perf_counter()
        if reason in _LASTING:
            self._lasting.add(metric)
        self.reasons[metric] = self._in_words(reason)

    def rule_out(self, metric: str, reason: str) -> None:
        """Keep why a metric is not asked for."""
        self._lasting.add(metric)
        self.reasons[metric] = reason

    def gone(self, metric: str) -> bool:
        """Whether there is no use in asking again."""
        return self.lost_at is not None or metric in self._lasting

    def _in_words(self, reason: str) -> str:
        if reason != NOT_SUPPORTED:
            return reason
        if self._mig:
            return NOT_ON_MIG
        return reason + WSL2 if self._wsl2 else reason
