"""How fast a cache fills, and what that leaves of its gain over all the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from gputune.analysis.run import Row
from gputune.session import events

FIRST_CALLS = 2
"""They trace and compile, with a cache or without."""


def fill_step_s(rows: Sequence[Row]) -> float | None:
    """Mean seconds of a step in the first epoch, without the calls that trace; None for too few.

    From the beginning of one call to that of the next, so the wait for the input is in it.
    """
    first = [row for row in rows if row.epoch == rows[0].epoch and row.phase == events.WARMUP]
    spent = [
        (later.t_enter - row.t_enter) / row.steps for row, later in pairwise(first[FIRST_CALLS:])
    ]
    return fmean(spent) if spent else None


def amortised(steady: float, fill: float, epochs: int) -> float:
    """Samples/s over `epochs` epochs, the first at the rate `fill`, the others at `steady`.

    `E / (1/fill + (E - 1)/steady)`: the same samples in each, so the times add up.
    """
    return epochs / (1 / fill + (epochs - 1) / steady)
