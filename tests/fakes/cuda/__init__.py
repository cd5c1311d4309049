"""Stand-ins for CUDA's libraries: the driver's `libcuda.so.1`, and those that TensorFlow opens.

    libcuda(folder, init=802)                             # cuInit returns 802
    libraries(folder, library_names("12.5.1", "9"))       # empty, but for cuDNN's version

C, compiled where the tests run; skip with NO_COMPILER of `tests.fakes.nvml` where there is no gcc.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

_DRIVER = """
#include <unistd.h>
int cuInit(unsigned flags) {{ (void)flags; if ({hangs}) sleep(600); return {init}; }}
int cuDriverGetVersion(int *version) {{ *version = {version}; return 0; }}
int cuDeviceGetCount(int *count) {{ *count = {devices}; return 0; }}
"""
_CUDNN = "#include <stddef.h>\nsize_t cudnnGetVersion(void) {{ return {version}; }}\n"
_EMPTY = "int nothing(void) { return 0; }\n"


def libcuda(
    folder: Path, *, init: int = 0, version: int = 12060, devices: int = 1, hangs: bool = False
) -> Path:
    """Put the driver's library into a folder; a process finds it through LD_LIBRARY_PATH."""
    code = _DRIVER.format(init=init, version=version, devices=devices, hangs=int(hangs))
    return _compile(folder / "libcuda.so.1", code)


def libraries(folder: Path, names: Iterable[str], *, cudnn: int = 90300) -> list[Path]:
    """Put libraries into a folder that load and do nothing; cuDNN says that version."""
    empty = _compile(folder / "empty.so", _EMPTY)
    made = []
    for name in names:
        if name.startswith("libcudnn."):
            made.append(_compile(folder / name, _CUDNN.format(version=cudnn)))
        else:
            made.append(Path(shutil.copy(empty, folder / name)))
    return made


def _compile(library: Path, code: str) -> Path:
    library.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-x", "c", "-o", str(library), "-"],
        input=code,
        text=True,
        check=True,
        timeout=60,
    )
    return library
