"""A stand-in for TensorFlow and Keras: packages of a few lines, which do what a test asks.

folder = packages(tmp_path, gpus=["NVIDIA H100"], build=CUDA_BUILD)
env = {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

CUDA_BUILD: Final[Mapping[str, Any]] = {
    "is_cuda_build": True,
    "is_rocm_build": False,
    "cuda_version": "12.5.1",
    "cudnn_version": "9",
    "cuda_compute_capabilities": ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"],
}
CPU_BUILD: Final[Mapping[str, Any]] = {"is_cuda_build": False, "is_rocm_build": False}

ABSENT: Final = 'raise ModuleNotFoundError("No module named \'tensorflow\'", name="tensorflow")'
ABORTS: Final = (
    "import os, sys\n"
    "print('F0000 00:00:1 1 check.cc:1] Check failed: x == y', file=sys.stderr, flush=True)\n"
    "os.abort()"
)
HANGS: Final = "import time\ntime.sleep(600)"

_TENSORFLOW = """
{first}
__version__ = {version!r}


class sysconfig:
    @staticmethod
    def get_build_info():
        return {build!r}


class config:
    @staticmethod
    def list_physical_devices(kind):
        return {gpus!r}

    class experimental:
        @staticmethod
        def get_device_details(device):
            return {{"device_name": device}}
"""
_KERAS = """
__version__ = "3.15.1"


class backend:
    @staticmethod
    def backend():
        return "tensorflow"
"""


def packages(
    folder: Path,
    *,
    first: str = "",
    version: str = "2.21.0",
    build: Mapping[str, Any] = CUDA_BUILD,
    gpus: Sequence[str] = (),
) -> Path:
    """Write both packages into a folder, which is returned; `first` is run at the import."""
    text = _TENSORFLOW.format(first=first, version=version, build=dict(build), gpus=list(gpus))
    for name, content in (("tensorflow", text), ("keras", _KERAS)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").write_text(content, encoding="utf-8")
    return folder
