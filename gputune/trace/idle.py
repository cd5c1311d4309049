"""Why a GPU was idle: the time that nothing covers, split without overlap or remainder.

In this order, so that the parts are exclusive:

1. *input*: some thread of the host was inside GetNext meanwhile;
2. *host*: what ended the gap was launched only after the gap had begun, so the device had nothing
   to do. This is the "host wait" of Holistic Trace Analysis (`get_idle_time_breakdown`); the time
   from the call to the start is in it;
3. *kernel*: a short gap before work that was queued already: the device's own change from one
   event to the next;
4. *other*: a longer gap before queued work (it waited for another stream, another device or a
   synchronisation), the time behind the last event, and, in traces without correlation ids, all
   that cannot be told.

Holistic Trace Analysis draws the line between 3 and 4 at 30 ns. Under CUPTI that takes in next to
nothing: in the V100 trace of the tests the gaps before queued kernels are 0.03 to 61 µs long, half
of them 4.1 µs or more and 1 % more than 11.3 µs. So it is drawn at 20 µs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from gputune.trace.cover import EMPTY, Cover, Ints, gaps, intersect, subtract
from gputune.trace.device import Events
from gputune.trace.host import NEVER
from gputune.trace.intervals import Interval

SHORT_GAP_PS: Final = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Idle:
    """The idle time of a GPU by its cause; together they cover it exactly."""

    input: Cover
    host: Cover
    kernel: Cover
    other: Cover


def split(busy: Cover, events: Events, called: Ints, waits: Cover, axis: Interval) -> Idle:
    """Split what `busy` leaves of `axis`, which holds all events, by its causes.

    `called` is when each of `events` was launched, `host.NEVER` where the trace does not tell;
    `waits` is when the host waited for input. Times are picoseconds.
    """
    idle = gaps(busy, *axis)
    if not len(busy):
        waited = intersect(idle, waits)
        return Idle(input=waited, host=EMPTY, kernel=EMPTY, other=subtract(idle, waited))
    launched = _launch_after(idle, busy, events, called)
    known = launched != NEVER
    late = known & (launched >= idle.starts)
    # Only a gap between two events can be the change from one to the next.
    inner = (idle.starts > axis[0]) & (idle.ends < axis[1])
    short = ~late & inner & (idle.ends - idle.starts <= SHORT_GAP_PS)

    def without_input(which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Cover:
        return subtract(Cover(idle.starts[which], idle.ends[which]), waits)

    return Idle(
        input=intersect(idle, waits),
        host=without_input(late),
        kernel=without_input(short),
        other=without_input(~late & ~short),
    )


def _launch_after(idle: Cover, busy: Cover, events: Events, called: Ints) -> Ints:
    """When the event that ends each gap was launched; of several at once, the earliest."""
    # One more, so that a range that ends behind the last event can be named.
    padded = np.append(called, NEVER)
    first = np.searchsorted(events.start, idle.ends, "left")
    behind = np.searchsorted(events.start, idle.ends, "right")
    ranges = np.stack((first, behind), axis=1).ravel()
    launched = np.minimum.reduceat(padded, np.minimum(ranges, len(called)))[::2]
    return np.where(behind > first, launched, NEVER)
