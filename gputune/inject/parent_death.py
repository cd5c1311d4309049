"""A trial ends with the tuner that asked for it, however that ended."""

from __future__ import annotations

import signal
import sys

_PR_SET_PDEATHSIG = 1
"""`prctl(2)`, Linux: the signal that this process gets when the thread that started it ends."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies; nothing off Linux."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # here: only a trial needs it

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
