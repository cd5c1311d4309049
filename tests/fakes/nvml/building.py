"""Compiles the stand-in driver, and gives processes an environment in which they find it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.fakes.nvml.scenario import Scenario

LIBRARY = "libnvidia-ml.so.1"
VARIABLE = "GPUTUNE_FAKE_NVML"
NO_COMPILER = "needs gcc, which compiles the stand-in for NVIDIA's driver"
_HERE = Path(__file__).resolve().parent
_FLAGS = (
    *("-D_GNU_SOURCE", "-std=c11", "-O1", "-fPIC", "-shared", "-pthread"),
    *("-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{LIBRARY}"),
)
_FUNCTION = re.compile(r"^(?:int |const char \*|ONE_NUMBER\()(nvml\w+)[(,]", re.MULTILINE)
_COMPILE_S = 60

# What this process has compiled, by the hash of what went into it.
_built: dict[str, Path] = {}


def has_compiler() -> bool:
    """Whether there is a gcc."""
    return shutil.which("gcc") is not None


def functions() -> tuple[str, ...]:
    """The functions that the library has when none is missing."""
    texts = (path.read_text() for path in _sources())
    return tuple(sorted(name for text in texts for name in _FUNCTION.findall(text)))


def build(folder: Path, missing: Iterable[str] = ()) -> Path:
    """Put the library below a folder, without the missing functions, and return its path.

    It is compiled once in a process for each set of missing functions. For the loader, and so for
    the package pynvml, a missing function is not there: it is no entry that fails.
    """
    absent = _absent(missing)
    exports = "".join(f"{name}; " for name in absent)
    script = f"{{ global: nvml*; local: {exports}*; }};\n"
    content = [path.read_bytes() for path in (*_sources(), _HERE / "driver.h")]
    key = hashlib.sha256(b"\0".join([*content, script.encode()])).hexdigest()
    library = folder / key[:12] / LIBRARY
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    known = _built.get(key)
    if known is not None and known.exists():
        shutil.copy(known, library)
    else:
        _compile(library, script)
        _built[key] = library
    return library


def environment(scenario: Scenario, folder: Path) -> dict[str, str]:
    """Put library and scenario into a folder; the variables with which a process finds them.

    The folder belongs to this scenario: another one needs another folder.
    """
    library = build(folder, scenario.missing)
    file = folder / "scenario.txt"
    file.write_text(scenario.render())
    paths = [str(library.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return {"LD_LIBRARY_PATH": os.pathsep.join(paths), VARIABLE: str(file)}


@dataclass(frozen=True)
class Call:
    """A call of the driver: by which process, when by time.perf_counter(), and of which GPU."""

    pid: int
    at_s: float
    function: str
    gpu: int | None


def read_log(path: Path) -> list[Call]:
    """The calls that were logged, in their order; none where nothing was called."""
    if not path.exists():
        return []
    calls = []
    for line in path.read_text().splitlines():
        pid, at_s, function, gpu = line.split()
        calls.append(Call(int(pid), float(at_s), function, None if gpu == "-1" else int(gpu)))
    return calls


def _sources() -> list[Path]:
    return sorted(_HERE.glob("*.c"))


def _absent(missing: Iterable[str]) -> list[str]:
    known = functions()
    absent: set[str] = set()
    for pattern in missing:
        matches = [name for name in known if fnmatchcase(name, pattern)]
        if not matches:
            raise ValueError(f"the stand-in has no function {pattern}, so it cannot be missing")
        absent.update(matches)
    return sorted(absent)


def _compile(library: Path, version_script: str) -> None:
    script = library.with_suffix(".map")
    script.write_text(version_script)
    unfinished = library.with_suffix(".unfinished")
    done = subprocess.run(
        [
            *("gcc", *_FLAGS, f"-Wl,--version-script={script}", "-o", str(unfinished)),
            *(*map(str, _sources()), "-lm", "-ldl"),
        ],
        capture_output=True,
        text=True,
        timeout=_COMPILE_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the stand-in for NVIDIA's driver does not compile:\n{done.stderr}")
    unfinished.replace(library)
