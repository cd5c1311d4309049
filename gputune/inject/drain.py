"""Take batches from the live iterator without training: how fast the input could be."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

FEWEST_BATCHES = 4
MOST_BATCHES = 5000
LONGEST_EMPTYING_S = 2.0
LONGEST_DRAIN_S = 3.0
DRAIN_FRACTION = 0.75
"""Of the longest clean phase: three seconds of four."""
SLOW_BATCHES = 3


@dataclass(frozen=True, slots=True)
class Drained:
    """`batches` in `duration_s` seconds, after `first_batches` had emptied the buffers."""

    batches: int
    duration_s: float
    first_batches: int


def empty_buffers(iterator: Any, most: int, slow_s: float) -> int:
    """Take batches until three in a row took longer than `slow_s`; how many were taken.

    A batch from a buffer comes at once; one that has to be made takes its time. At most `most`
    batches and two seconds.
    """
    began = time.perf_counter()
    taken = slow = 0
    while taken < most and slow < SLOW_BATCHES and time.perf_counter() - began < LONGEST_EMPTYING_S:
        before = time.perf_counter()
        try:
            iterator.get_next()
        except Exception:  # the end of the data, in the form that this iterator has for it
            break
        taken += 1
        slow = slow + 1 if time.perf_counter() - before > slow_s else 0
    return taken


def drain_s(max_s: float) -> float:
    """How long to drain the input of a user who wants a clean phase of at most `max_s` seconds."""
    return min(LONGEST_DRAIN_S, DRAIN_FRACTION * max_s)


def measure_rate(iterator: Any, most_s: float = LONGEST_DRAIN_S) -> Drained | str:
    """The input's own rate, or the reason why it cannot be told.

    Batches are taken for `most_s` seconds (a slow input's first eight for as many as three), each
    with its time; those before the curve bends came from buffers and do not count. At least four
    must be left.
    """
    stamps = [time.perf_counter()]
    try:
        while len(stamps) <= MOST_BATCHES:
            iterator.get_next()
            stamps.append(time.perf_counter())
            taken_s = stamps[-1] - stamps[0]
            enough = len(stamps) > 2 * FEWEST_BATCHES and taken_s >= most_s
            if enough or taken_s >= LONGEST_DRAIN_S:
                break
    except AttributeError:
        return "this input has no iterator to drain"
    except Exception:  # the end of the data, in the form that this iterator has for it
        pass
    batches = len(stamps) - 1
    # Buffered batches come first and fast: the second half of the stamps is the rate.
    first = min(_buffered(stamps), max(batches - FEWEST_BATCHES, 0))
    timed = batches - first
    if timed < FEWEST_BATCHES:
        return f"only {batches} batches were left of the epoch when the input was drained"
    return Drained(timed, stamps[-1] - stamps[first], first)


def _buffered(stamps: list[float]) -> int:
    """How many of the first batches came from buffers.

    The cumulative curve of a buffer that empties bends once: the batches before the point that
    lies farthest above the straight line from first to last came early. With a constant rate no
    point lies far above it.
    """
    n = len(stamps) - 1
    total = stamps[-1] - stamps[0]
    if n < 2 * FEWEST_BATCHES or total <= 0:
        return n // 4
    above = [i / n - (stamps[i] - stamps[0]) / total for i in range(n + 1)]
    bend = max(range(n + 1), key=above.__getitem__)
    if above[bend] < 0.05:
        return n // 4
    return bend
