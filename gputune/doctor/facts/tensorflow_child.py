"""Runs in a child: imports TensorFlow and Keras, and loads the libraries that TensorFlow would.

The one file here that imports them. What it tells: `tensorflow` (version, file, seconds), `build`,
`gpus`, `keras`, `libraries`; where a step raised, `error`, and `missing` or the step as `failed`.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gputune.doctor.cuda import library_names
from gputune.doctor.facts.asking import Teller
from gputune.doctor.facts.loaded import path_of

LIBRARIES: Final = "libraries"
"""The argument with which the CUDA libraries are loaded too, as on a machine with a GPU."""
_LONGEST: Final = 2000


def main(fd: int, arguments: list[str]) -> None:
    """Take the steps, one after the other."""
    teller = Teller(fd)
    teller.begin("import")
    try:
        tensorflow = _import_tensorflow(teller)
    except BaseException as error:  # SystemExit, too: whatever ends an import
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        teller.tell(error=_in_words(error), missing=missing)
        return
    build: dict[str, Any] = {}
    step = "build"
    try:
        teller.begin(step)
        build = dict(tensorflow.sysconfig.get_build_info())
        teller.tell(build={key: _plain(value) for key, value in build.items()})
        step = "devices"
        teller.begin(step)
        teller.tell(gpus=_gpus(tensorflow))
    except Exception as error:
        teller.tell(error=_in_words(error), failed=step)
    teller.begin("keras")
    try:
        import keras

        teller.tell(keras={"version": keras.__version__, "backend": keras.backend.backend()})
    except BaseException as error:
        teller.tell(keras={"error": _in_words(error)})
    if LIBRARIES in arguments:
        teller.begin("libraries")
        names = library_names(build.get("cuda_version"), build.get("cudnn_version"))
        folder = Path(tensorflow.__file__).resolve().parent.parent / "nvidia"
        # Before any of them is loaded here, and brings others with it.
        held = {name: path for name in names if (path := path_of(name))}
        teller.tell(libraries=[_library(name, folder, held.get(name, "")) for name in names])


def _import_tensorflow(teller: Teller) -> Any:
    begun = time.perf_counter()
    import tensorflow

    seconds = time.perf_counter() - begun
    known = {"file": str(tensorflow.__file__ or ""), "seconds": seconds}
    teller.tell(tensorflow=known)  # before what a module that only has the name does not have
    teller.tell(tensorflow={**known, "version": str(tensorflow.__version__)})
    return tensorflow


def _gpus(tensorflow: Any) -> list[str]:
    names = []
    for number, device in enumerate(tensorflow.config.list_physical_devices("GPU")):
        try:
            details = tensorflow.config.experimental.get_device_details(device)
        except Exception:  # only the name is lost
            details = {}
        names.append(str(details.get("device_name") or f"GPU {number}"))
    return names


def _library(name: str, packages: Path, held: str) -> dict[str, Any]:
    """What the loader makes of a library, where TensorFlow's own loader would look for it.

    `held` is the file that TensorFlow has in memory already, empty where it has none.
    """
    if held:
        return _loaded(name, held, "loaded", ctypes.CDLL(held))
    for by, candidate in _candidates(name, packages):
        if candidate.exists():
            try:
                return _loaded(name, str(candidate), by, ctypes.CDLL(str(candidate)))
            except OSError as error:
                return {"name": name, "path": str(candidate), "by": by, "error": str(error)}
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        # Where the file itself is missing, the loader names it; else one that it needs, or a fault.
        absent = f"{name}: cannot open shared object file" in str(error)
        return {"name": name, "error": "" if absent else str(error)}
    return _loaded(name, path_of(name) or name, "system", library)


def _candidates(name: str, packages: Path) -> Iterator[tuple[str, Path]]:
    """In the loader's order: LD_LIBRARY_PATH comes before the path inside TensorFlow's library."""
    for listed in filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")):
        yield "LD_LIBRARY_PATH", Path(listed) / name
    for folder in sorted(packages.glob("*/lib")):
        yield "packages", folder / name


def _loaded(name: str, path: str, by: str, library: ctypes.CDLL) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "path": path, "by": by}
    if name.startswith("libcudnn."):
        try:
            library.cudnnGetVersion.restype = ctypes.c_size_t
            found["version"] = _cudnn_version(int(library.cudnnGetVersion()))
        except AttributeError:
            pass
    return found


def _cudnn_version(number: int) -> list[int]:
    """90300 as 9.3.0; before 9 it was 8904 for 8.9.4 (CUDNN_VERSION of cudnn_version.h)."""
    thousands = 10_000 if number >= 90_000 else 1000
    return [number // thousands, number % thousands // 100, number % 100]


def _plain(value: Any) -> Any:
    return list(map(str, value)) if isinstance(value, (list, tuple)) else value


def _in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST]


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
