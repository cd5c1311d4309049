"""Events of one kind on one GPU, ready to be asked for any window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gputune.trace.copies import HostMemory
from gputune.trace.cover import EMPTY, Cover, subtract, union
from gputune.trace.device import Events
from gputune.trace.intervals import Interval


@dataclass(frozen=True)
class Work:
    """Events of one kind, sorted by start; `exposed` is the time in which nothing hid them."""

    events: Events
    cover: Cover
    exposed: Cover = EMPTY

    @classmethod
    def of(cls, events: Events, hidden_by: Cover = EMPTY) -> Work:
        """The work of `events`, exposed where `hidden_by` is not."""
        cover = union(events.start, events.end)
        return cls(events, cover, subtract(cover, hidden_by))

    @cached_property
    def _longest(self) -> int:
        lengths = self.events.end - self.events.start
        return int(lengths.max()) if len(lengths) else 0

    def begun(self, window: Interval) -> slice:
        """The events that began in the window."""
        if not len(self.events):
            return slice(0, 0)
        first, behind = np.searchsorted(self.events.start, window, "left")
        return slice(int(first), int(behind))

    def clipped_ps(self, window: Interval) -> int:
        """The summed duration of the events inside the window, each by itself."""
        if not len(self.events):
            return 0
        start, end = window
        # Only these can reach into the window: no event is longer than the longest.
        first = int(np.searchsorted(self.events.start, start - self._longest, "left"))
        behind = int(np.searchsorted(self.events.start, end, "left"))
        low = np.maximum(self.events.start[first:behind], start)
        high = np.minimum(self.events.end[first:behind], end)
        return int(np.maximum(high - low, 0).sum())

    def bytes(self, begun: slice) -> int | None:
        """The bytes of these events; None where one of them does not tell."""
        if begun.start == begun.stop:
            return 0
        sizes = self.events.size[begun]
        return None if bool((sizes < 0).any()) else int(sizes.sum())

    def bytes_per_s(self, begun: slice) -> float | None:
        """The bytes of these events over their summed whole duration; None without either."""
        size = self.bytes(begun)
        if not size:
            return None
        took = int((self.events.end[begun] - self.events.start[begun]).sum())
        return size / took * 1e12 if took else None

    def from_memory(self, begun: slice, memory: HostMemory) -> tuple[int | None, int | None]:
        """How many of these events use that memory of the host, and their bytes.

        (None, None) where there are none at all, or where one does not tell its memory.
        """
        if begun.start == begun.stop:
            return None, None
        kinds, sizes = self.events.memory[begun], self.events.size[begun]
        if bool((kinds == HostMemory.UNKNOWN).any()):
            return None, None
        which = sizes[kinds == memory]
        return len(which), None if bool((which < 0).any()) else int(which.sum())
