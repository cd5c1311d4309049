"""Where this process runs: in a container, under Windows, with which privileges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gputune.doctor.machine import Place
from gputune.sensors.nvml_errors import under_wsl2

_CAP_SYS_ADMIN: Final = 21
"""Its bit, in linux/capability.h."""


def place(environ: Mapping[str, str], root: Path = Path("/")) -> Place:
    """Look at the files below `root`, which tests make up, and at the environment."""
    cpu = _text(root / "proc" / "cpuinfo")
    flags = re.search(r"^flags\s*:(.*)$", cpu, re.MULTILINE)
    return Place(
        container=_container(environ, root),
        wsl2=under_wsl2(root / "proc" / "version"),
        wsl_driver=(root / "usr" / "lib" / "wsl" / "lib" / "libcuda.so.1").exists(),
        administrator=_administrator(_text(root / "proc" / "self" / "status")),
        cpu_has_avx=None if flags is None else "avx" in flags.group(1).split(),
    )


def _container(environ: Mapping[str, str], root: Path) -> str:
    if "KUBERNETES_SERVICE_HOST" in environ:
        return "kubernetes"
    if environ.keys() & {"APPTAINER_NAME", "SINGULARITY_NAME"}:
        return "apptainer"
    if (root / "run" / ".containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists():
        return "docker"
    # Whoever started the container says so to its first process (systemd's container interface).
    named = _text(root / "run" / "systemd" / "container").strip() or environ.get("container", "")
    if named:
        return named
    groups = _text(root / "proc" / "self" / "cgroup")
    for word in ("kubepods", "docker", "lxc"):
        if word in groups:
            return {"kubepods": "kubernetes"}.get(word, word)
    return ""


def _administrator(status: str) -> bool:
    found = re.search(r"^CapEff:\s*([0-9a-fA-F]+)$", status, re.MULTILINE)
    return found is not None and bool(int(found.group(1), 16) >> _CAP_SYS_ADMIN & 1)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
