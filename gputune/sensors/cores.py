"""What of the machine the script may use: affinity mask and cgroup, not the whole box."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_ROOT = Path("/")


def affinity() -> tuple[int, ...]:
    """The numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def usable_cores(root: Path = _ROOT) -> float:
    """Cores this process and its children may keep busy: affinity, capped by the cgroup's quota.

    `root` is where `/proc` and `/sys` are looked for.
    """
    quotas = [quota for folder in _cgroups(root, "cpu") if (quota := _cpu_quota(folder))]
    return min([float(len(affinity())), *quotas])


def usable_memory_bytes(root: Path = _ROOT) -> int:
    """Bytes of memory this process and its children may use: the box's, capped by the cgroup."""
    names = ("memory.max", "memory.limit_in_bytes")
    limits = [
        limit
        for folder in _cgroups(root, "memory")
        for name in names
        if (limit := _number(folder / name))
    ]
    return min([int(psutil.virtual_memory().total), *limits])


def _cgroups(root: Path, controller: str) -> Iterator[Path]:
    """The cgroup folders that hold for this process, innermost first, versions 2 and 1."""
    base = root / "sys" / "fs" / "cgroup"
    try:
        entries = (root / "proc" / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        entries = []
    for entry in entries:
        _, controllers, path = [*entry.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = base / controllers if controllers else base
        if not top.is_dir() and controllers:
            top = base / controller
        folder = top / path.strip("/")
        yield folder
        yield from (parent for parent in folder.parents if top in (parent, *parent.parents))
    # Inside a container the path may be the host's, while its own group is mounted at the top.
    yield base
    yield base / controller


def _cpu_quota(folder: Path) -> float | None:
    """Cores: `cpu.max` holds «quota period» or «max period», version 1 two files."""
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()[:2]
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        pass
    quota_us = _number(folder / "cpu.cfs_quota_us")
    period_us = _number(folder / "cpu.cfs_period_us")
    return quota_us / period_us if quota_us and period_us else None


def _number(path: Path) -> int | None:
    """The positive number in a file; None where there is none (`max`, -1)."""
    try:
        value = int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if value > 0 else None
