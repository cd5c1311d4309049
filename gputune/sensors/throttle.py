"""The driver's «clocks event reasons», which older drivers call throttle reasons, by name. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gputune.schema.gpu import Throttle

_NAMES: Final = {
    0x004: "sw power cap",
    0x008: "hw slowdown",
    0x010: "sync boost",
    0x020: "sw thermal slowdown",
    0x040: "hw thermal slowdown",
    0x080: "hw power brake slowdown",
    0x100: "display clock setting",
    0x200: "board limit",
    0x400: "reliability",
}
"""nvmlClocksEventReason… and nvmlClocksThrottleReason… of nvml.h."""
_NOT_HELD_DOWN: Final = 0x001 | 0x002
"""The GPU idles; its clocks are what an administrator set as application clocks."""


def throttles(samples: Sequence[int]) -> tuple[Throttle, ...]:
    """Return each reason that was set in some of the samples, the most frequent first."""
    seen: dict[int, int] = {}
    for bits in samples:
        left = bits & ~_NOT_HELD_DOWN
        while left:
            bit = left & -left
            seen[bit] = seen.get(bit, 0) + 1
            left ^= bit
    return tuple(
        Throttle(name=_NAMES.get(bit, f"reason {bit:#x}"), fraction=count / len(samples))
        for bit, count in sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    )
