"""Runs scripts bare and under `gputune profile`, in real processes, and reads what came of it."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gputune import api
from gputune.schema.profile import Profile

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).resolve().parent / "scripts"
WORKLOADS = ROOT / "benchmarks" / "workloads"
ABSENT = Path(__file__).resolve().parent / "absent"
"""Packages that Keras would import, and that only the workloads use, as if they were not there."""
TIMEOUT_S = 150

_DURATION = re.compile(r"\b\d+(?:\.\d+)?(?:s|ms|us|µs|min|h)(?:/(?:step|epoch))?(?!\w)")


@dataclass(frozen=True)
class Ran:
    """A process that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def masked(self) -> str:
        """Standard output without durations and rates, which no two runs share."""
        return _DURATION.sub("<time>", self.stdout)

    @property
    def losses(self) -> list[str]:
        """The lines that the script prints for this, to the last bit of each number."""
        return [line for line in self.stdout.splitlines() if line.startswith("losses")]


def environment(extra: Mapping[str, str] | None = None, *, whole: bool = False) -> dict[str, str]:
    """What a script sees of the environment; gputune is found through PYTHONPATH.

    `whole`: with scikit-learn and pandas, too, which make each start a second longer.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *(() if whole else (ABSENT,))))),
        "PYTHONDONTWRITEBYTECODE": "1",  # pip has compiled TensorFlow; no folder gains anything
        "PYTHONUTF8": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "",
        "SEED": "0",
        "EPOCHS": "1",
        **(extra or {}),
    }


def python(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> Ran:
    """Run `python ARGUMENTS` to its end; a workload with the packages that its data comes from."""
    cwd.mkdir(parents=True, exist_ok=True)
    of_a_workload = any(str(WORKLOADS) in str(argument) for argument in arguments)
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(env, whole=of_a_workload),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def gputune(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> Ran:
    """Run `gputune ARGUMENTS` to its end."""
    return python("-m", "gputune", *arguments, cwd=cwd, env=env)


def start(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> Popen:
    """Start `gputune ARGUMENTS` in a process group of its own, and do not wait for it."""
    cwd.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "gputune", *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


Popen = subprocess.Popen[str]


def report(folder: Path) -> Profile:
    """The one report in a folder."""
    files = sorted(folder.glob("*.json"))
    assert len(files) == 1, files
    return api.load(files[0])


def hashes(*folders: Path) -> dict[str, str]:
    """Every file below the folders, with the hash of its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
