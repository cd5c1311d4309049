"""What of the machine this process may use: its affinity mask and its cgroup, not the box.

Every function takes the paths of the files that it reads, so that any machine can be described.
Paths inside the cgroup's tree are looked for from the process's own group up to the root, since
each group above may be the narrower one; in a container the own group's path may not exist below
the mount, and then only the root speaks.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
MEMINFO = Path("/proc/meminfo")

_UNLIMITED_BYTES = 1 << 60
"""Version 1 writes «no limit» as the largest multiple of a page below 2**63."""


def usable_cores(
    *,
    allowed: int | None = None,
    root: Path = CGROUP_ROOT,
    membership: Path = MEMBERSHIP,
) -> float:
    """How many cores this process may keep busy at once; 1.5 where its quota is one and a half.

    `allowed` is the number of cores in the affinity mask, read from the system where it is None.
    """
    cores = float(len(affinity()) if allowed is None else allowed)
    for group in _groups(root, membership, "cpu"):
        quota = _cpu_quota(group)
        if quota is not None:
            cores = min(cores, quota)
    return cores


def memory_limit_bytes(*, root: Path = CGROUP_ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """The narrowest memory limit of this process's cgroups; None where there is none."""
    limits = [
        limit
        for group in _groups(root, membership, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (limit := _number(group / name)) is not None and limit < _UNLIMITED_BYTES
    ]
    return min(limits, default=None)


def usable_memory_bytes(
    *,
    root: Path = CGROUP_ROOT,
    membership: Path = MEMBERSHIP,
    meminfo: Path = MEMINFO,
) -> int | None:
    """The machine's memory or the cgroup's limit, the smaller one; None where neither is known."""
    limit = memory_limit_bytes(root=root, membership=membership)
    total = _total_memory_bytes(meminfo)
    return min((value for value in (limit, total) if value is not None), default=None)


def affinity() -> tuple[int, ...]:
    """The numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _groups(root: Path, membership: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's cgroups that may limit the controller, innermost first."""
    for hierarchy, controllers, path in _memberships(membership):
        if hierarchy == "0" and not controllers:
            bases = [root, root / "unified"]
        elif controller in controllers:
            bases = [root / ",".join(controllers), root / controller]
        else:
            continue
        for base in bases:
            if base.is_dir():
                folder = base / path.lstrip("/")
                while folder != base:
                    yield folder
                    folder = folder.parent
                yield base
                break


def _memberships(membership: Path) -> Iterator[tuple[str, list[str], str]]:
    """The lines `hierarchy:controllers:path` of /proc/self/cgroup."""
    for line in (_text(membership) or "").splitlines():
        parts = line.split(":", 2)
        # A path that leads out of the container's own root («/../..») says nothing below it.
        if len(parts) == 3:
            path = "" if ".." in parts[2].split("/") else parts[2]
            yield parts[0], [name for name in parts[1].split(",") if name], path


def _cpu_quota(group: Path) -> float | None:
    """The group's quota in cores: `cpu.max` of version 2, or the two files of version 1."""
    text = _text(group / "cpu.max")
    if text is not None:
        quota, _, period = text.strip().partition(" ")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            return int(quota) / int(period)
        return None
    quota_us = _number(group / "cpu.cfs_quota_us")
    period_us = _number(group / "cpu.cfs_period_us")
    if quota_us is None or period_us is None or quota_us <= 0 or period_us <= 0:
        return None
    return quota_us / period_us


def _total_memory_bytes(meminfo: Path) -> int | None:
    for line in (_text(meminfo) or "").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "MemTotal:" and words[1].isdigit():
            return int(words[1]) * 1024
    return None


def _number(path: Path) -> int | None:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None


def cpu_model() -> str | None:
    """What the processor calls itself, None where nothing says it."""
    if not sys.platform.startswith("linux"):
        return platform.processor() or None
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), None)
