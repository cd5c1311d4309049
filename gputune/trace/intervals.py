"""Exact arithmetic on half-open integer intervals [start, end).

A *normal* list of intervals is sorted, disjoint, and has no empty or touching members. `union`
makes any intervals normal; the other functions take normal lists and return normal lists. With
integers (picoseconds, in a trace) every result is exact.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The normal list that covers exactly what `intervals`, in any order, cover together."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def intersect(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """What both cover."""
    common: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        end = min(left[i][1], right[j][1])
        if start < end:
            common.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return common


def subtract(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """What `left` covers and `right` does not."""
    rest: list[Interval] = []
    first = 0
    for start, end in left:
        while first < len(right) and right[first][1] <= start:
            first += 1
        position, index = start, first
        while index < len(right) and right[index][0] < end:
            if right[index][0] > position:
                rest.append((position, right[index][0]))
            position = max(position, right[index][1])
            index += 1
        if position < end:
            rest.append((position, end))
    return rest


def clip(intervals: Sequence[Interval], start: int, end: int) -> list[Interval]:
    """The part of `intervals` inside [start, end)."""
    return intersect(intervals, [(start, end)] if start < end else [])


def total(intervals: Iterable[Interval]) -> int:
    """The summed length, in the unit of the intervals."""
    return sum(end - start for start, end in intervals)


def contains(intervals: Sequence[Interval], point: int) -> bool:
    """Whether `point` lies in one of `intervals`."""
    at = bisect_right(intervals, point, key=lambda interval: interval[0])
    return at > 0 and point < intervals[at - 1][1]
