"""A pynvml made of Python, where a test needs no driver's library."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class NVMLError(Exception):
    """As in pynvml: the class is chosen by the code."""

    def __new__(cls, code: int = 999) -> NVMLError:
        kind = {3: NVMLError_NotSupported, 4: NVMLError_NoPermission}.get(code, NVMLError_Unknown)
        return super().__new__(kind if cls is NVMLError else cls)


class NVMLError_LibraryNotFound(NVMLError):  # noqa: N801  (pynvml's names)
    pass


class NVMLError_NotSupported(NVMLError):  # noqa: N801
    pass


class NVMLError_NoPermission(NVMLError):  # noqa: N801
    pass


class NVMLError_NotFound(NVMLError):  # noqa: N801
    pass


class NVMLError_GpuIsLost(NVMLError):  # noqa: N801
    pass


class NVMLError_FunctionNotFound(NVMLError):  # noqa: N801
    pass


class NVMLError_Unknown(NVMLError):  # noqa: N801
    def __str__(self) -> str:
        return "Unknown Error"


class NVMLLibraryMismatchError(Exception):
    pass


class FakeNvml:
    """Two GPUs, the second divided with one MIG instance; handles are their UUIDs.

    What it does not have is missing, as from an old package. `answers` replace or add functions.
    """

    NVML_SUCCESS = 0
    NVML_CLOCK_SM = 1
    NVMLError = NVMLError

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._answers = {
            "nvmlInit": lambda: None,
            "nvmlShutdown": lambda: None,
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda index: ("GPU-one", "GPU-two")[index],
            "nvmlDeviceGetUUID": lambda handle: handle.encode(),
            "nvmlDeviceGetName": lambda handle: f"Fake {handle}",
            "nvmlDeviceGetMaxMigDeviceCount": self._slots,
            "nvmlDeviceGetMigDeviceHandleByIndex": self._instance,
            "nvmlDeviceGetGpuInstanceId": lambda handle: 5,
            "nvmlDeviceGetComputeInstanceId": lambda handle: 0,
            "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=37),
            "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=3, total=16),
            **answers,
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._answers:
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            self.calls.append((name, *arguments))
            return self._answers[name](*arguments)

        return call

    def called(self, name: str) -> int:
        return sum(call[0] == name for call in self.calls)

    @staticmethod
    def _slots(handle: str) -> int:
        if handle != "GPU-two":
            raise NVMLError_NotSupported
        return 2

    @staticmethod
    def _instance(handle: str, slot: int) -> str:
        if slot:
            raise NVMLError_NotFound
        return "MIG-three"


def refuse(error: type[Exception]) -> Callable[..., Any]:
    """A function that always fails."""

    def fail(*_: Any) -> Any:
        raise error

    return fail
