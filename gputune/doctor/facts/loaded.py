"""Which shared libraries this process has in memory, and from where."""

from __future__ import annotations

from pathlib import Path


def path_of(name: str, maps: Path = Path("/proc/self/maps")) -> str:
    """The file that a library of that name was loaded from; empty where it is not in memory.

    `libcudnn.so.9` is also loaded as `libcudnn.so.9.3.0`, which the name is a link to.
    """
    try:
        lines = maps.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        parts = line.split(maxsplit=5)
        if len(parts) == 6:
            file = parts[5].rpartition("/")[2]
            if file == name or file.startswith(f"{name}."):
                return parts[5]
    return ""
