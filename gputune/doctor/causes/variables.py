"""Environment variables that TensorFlow reads at its start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.lines import good, note, warning
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding

_GROWTH: Final = "TF_FORCE_GPU_ALLOW_GROWTH"
_ALLOCATOR: Final = "TF_GPU_ALLOCATOR"
_LOG: Final = "TF_CPP_MIN_LOG_LEVEL"
_ASYNC: Final = "cuda_malloc_async"
_ASYNC_SINCE: Final = (11, 2)
"""The CUDA from which on a driver has stream-ordered allocation (release notes of CUDA 11.2)."""
_SLOW: Final = {
    "cuda_malloc": "every allocation goes to the driver, which makes the GPU wait",
    "memory_guard": "every allocation is checked for writes beyond its end",
}
"""The other names that `gpu_process_state.cc` of TensorFlow knows: for looking for errors."""


def findings(machine: Machine) -> Iterator[Finding]:
    """What hinders: memory growth, the allocator, the log level; `variables` where none does."""
    found = [*_log_level(machine)]
    if machine.has_gpu:
        found += [*_growth(machine), *_allocator(machine)]
    yield from found
    if not found:
        yield good("variables", "No variable is in TensorFlow's way.")


def _log_level(machine: Machine) -> Iterator[Finding]:
    """0 shows all, 1 leaves out information, 2 warnings too, 3 errors too."""
    value = (machine.variable(_LOG) or "").strip()
    if value.isdecimal() and int(value) >= 3:
        yield warning(
            "log-level", f"{_LOG}={value} hides TensorFlow's errors.",
            cure=f"Set {_LOG}=2, or unset it while something is being looked for.",
        )  # fmt: skip


def _growth(machine: Machine) -> Iterator[Finding]:
    """`gpu_bfc_allocator.cc` of TensorFlow compares with these two words, in small letters."""
    value = machine.variable(_GROWTH)
    if value is None:
        return
    if value not in ("true", "false"):
        yield warning(
            "growth-not-understood", f"{_GROWTH}={value} is not understood, and does nothing.",
            cure=f"TensorFlow takes true and false, in small letters: {_GROWTH}=true.",
        )  # fmt: skip
    elif value == "false":
        yield note(
            "growth-off",
            f"{_GROWTH}=false: TensorFlow takes nearly all of the GPU's memory at its start, "
            "whatever the script sets.",
            cure=f"Unset {_GROWTH} if the script's set_memory_growth is to count.",
        )


def _allocator(machine: Machine) -> Iterator[Finding]:
    value = machine.variable(_ALLOCATOR)
    if not value:
        return
    if value in _SLOW:
        yield warning(
            "allocator-slow", f"{_ALLOCATOR}={value}: {_SLOW[value]}.",
            cure=f"It is for looking for errors: unset {_ALLOCATOR} for a training.",
        )  # fmt: skip
    elif value != _ASYNC:
        yield warning(
            "allocator-unknown",
            f"{_ALLOCATOR}={value} is no allocator of TensorFlow's, and does nothing.",
            cure=f"Set {_ALLOCATOR}={_ASYNC}, or unset it.",
        )
    elif machine.driver.cuda_version is not None and machine.driver.cuda_version < _ASYNC_SINCE:
        yield warning(
            "allocator-too-new", f"{_ALLOCATOR}={value} needs a driver for CUDA 11.2 or newer.",
            cure=f"Update the driver, or unset {_ALLOCATOR}.",
        )  # fmt: skip
