"""How much of the cores all processes together have used."""

from __future__ import annotations

import os
from pathlib import Path


def busy_s() -> float:
    """CPU seconds of all processes on all cores since the start, stolen time included."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
