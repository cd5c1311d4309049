"""The events of a line as arrays, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gputune.trace.cover import Ints
from gputune.trace.xplane import Line, Trace, UnreadableTrace

_MOST = 2**62
"""Picoseconds that a time may have: two of them still fit 64 bits. It is 53 days."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some thousands of events: their messages, and of each its name's id and its times."""

    messages: Any
    key: Ints
    start: Ints
    end: Ints


def base_ps(trace: Trace) -> int:
    """The earliest line's origin: times from there on fit 64 bits, whatever the axis is."""
    return (
        min(
            (line.timestamp_ns for plane in trace.planes for line in plane.lines if len(line)),
            default=0,
        )
        * 1000
    )


def read_pieces(line: Line, base_ps: int) -> Iterator[Piece]:
    """The events of a line, times in picoseconds from `base_ps`.

    Raises UnreadableTrace where the bytes are no events, or the times do not fit.
    """
    shift = line.timestamp_ns * 1000 - base_ps
    for messages in line.pieces():
        # Three passes, each of which does one thing, are faster than one that does three.
        key = np.array([message.metadata_id for message in messages], np.int64)
        offset = np.array([message.offset_ps for message in messages], np.int64)
        length = np.array([message.duration_ps for message in messages], np.int64)
        low, high = int(offset.min()) + shift, int(offset.max()) + shift
        if low < -_MOST or high > _MOST or int(length.max()) > _MOST:
            raise UnreadableTrace(
                f"the times of the line {line.name!r} are no times", "make the trace again"
            )
        start = offset + shift
        yield Piece(messages, key, start, start + length)
