"""What NVIDIA publishes about CUDA's versions: drivers, and the names of its libraries. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MINIMUM_DRIVER: Final = {11: (450, 80, 2), 12: (525, 60, 13), 13: (580,)}
"""The oldest Linux driver that runs programs built for a major version of CUDA.

Within a major version any such driver does («minor version compatibility»), except for what is
compiled on the GPU's machine from PTX. Source: NVIDIA, «CUDA Compatibility», table 1 of «Minor
Version Compatibility» (docs.nvidia.com/deploy/cuda-compatibility, read in 2026), and the table of
minimum drivers in the release notes of CUDA 12.x for the full numbers.
"""

_LIBRARIES: Final = {
    # name: its version for CUDA 12, for CUDA 13; the wheel; whether TensorFlow wants it at once
    "libcudart": ("12", "13", "nvidia-cuda-runtime"),
    "libcublas": ("12", "13", "nvidia-cublas"),
    "libcublasLt": ("12", "13", "nvidia-cublas"),
    "libcufft": ("11", "12", "nvidia-cufft"),
    "libnvJitLink": ("12", "13", "nvidia-nvjitlink"),
    "libcusparse": ("12", "12", "nvidia-cusparse"),
    "libcusolver": ("11", "12", "nvidia-cusolver"),
    "libcudnn": ("", "", "nvidia-cudnn"),
    "libcupti": ("12", "13", "nvidia-cuda-cupti"),
    "libnvrtc": ("12", "13", "nvidia-cuda-nvrtc"),
    "libnccl": ("2", "2", "nvidia-nccl"),
}
"""The libraries that TensorFlow's build for CUDA opens, or that those open in turn.

cuFFT, cuSOLVER and cuSPARSE have numbers of their own. Source: `dso_loader.cc` and
`dlopen_checker.cc` of XLA (third_party/xla/xla/tsl/platform/default in TensorFlow 2.21), the files
of the wheels for CUDA 12.5, and the discussion of github.com/utensils/comfyui-nix/pull/79 for
CUDA 13. cuDNN has the major version that TensorFlow's build info names.
"""

REQUIRED: Final = frozenset(
    {
        "libcudart",
        "libcublas",
        "libcublasLt",
        "libcufft",
        "libcusolver",
        "libcusparse",
        "libcudnn",
        "libnvJitLink",
    }
)
"""Without one of these TensorFlow registers no GPU (TryDlopenCUDALibraries of dlopen_checker.cc).

libnvJitLink is not on that list: cuSPARSE and cuSOLVER of CUDA 12 and newer do not load without it.
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A library by its file's name, the wheel that brings it, and whether it is required."""

    file: str
    wheel: str
    required: bool


def major(version: str | None) -> int | None:
    """12 of `12.5.1`; None where there is no number."""
    head = (version or "").partition(".")[0]
    return int(head) if head.isdecimal() else None


def library_names(cuda_version: str | None, cudnn_version: str | None) -> tuple[str, ...]:
    """The files that such a TensorFlow opens; empty for a CUDA that is not known here."""
    return tuple(one.file for one in wanted(cuda_version, cudnn_version))


def wanted(cuda_version: str | None, cudnn_version: str | None) -> tuple[Wanted, ...]:
    """The libraries that a TensorFlow built for these versions opens, in the loader's order."""
    cuda, cudnn = major(cuda_version), major(cudnn_version)
    if cuda not in (12, 13):
        return ()
    found = []
    for name, (twelve, thirteen, wheel) in _LIBRARIES.items():
        number = twelve if cuda == 12 else thirteen
        if name == "libcudnn":
            if cudnn is None:
                continue
            number = str(cudnn)
        # From CUDA 13 on, the wheels that belong to the toolkit have no suffix.
        plain = cuda == 13 and name not in ("libcudnn", "libnccl")
        found.append(
            Wanted(
                file=f"{name}.so.{number}",
                wheel=wheel if plain else f"{wheel}-cu{cuda}",
                required=name in REQUIRED,
            )
        )
    return tuple(found)


def minimum_driver(cuda_version: str | None) -> tuple[int, ...] | None:
    """The oldest driver for that CUDA; None where it is not known here."""
    number = major(cuda_version)
    return None if number is None else MINIMUM_DRIVER.get(number)
