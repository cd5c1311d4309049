"""Arithmetic on arrays of intervals against the one on lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gputune.trace import cover, intervals
from gputune.trace.cover import Cover
from gputune.trace.intervals import Interval

POINTS = st.integers(-20, 40)
ANY = st.lists(st.tuples(POINTS, POINTS), max_size=12)


def of(some: list[Interval]) -> Cover:
    table = np.array(some, np.int64).reshape(-1, 2)
    return cover.union(table[:, 0], table[:, 1])


def listed(found: Cover) -> list[Interval]:
    return list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))


@given(ANY)
def test_union_is_that_of_lists(some: list[Interval]) -> None:
    assert listed(of(some)) == intervals.union(some)
    assert of(some).total == intervals.total(intervals.union(some))


@given(ANY, ANY)
def test_intersect_and_subtract_are_those_of_lists(a: list[Interval], b: list[Interval]) -> None:
    left, right = intervals.union(a), intervals.union(b)
    assert listed(cover.intersect(of(a), of(b))) == intervals.intersect(left, right)
    assert listed(cover.subtract(of(a), of(b))) == intervals.subtract(left, right)


@given(ANY, POINTS, POINTS)
def test_between_is_the_total_of_what_is_clipped(
    some: list[Interval], start: int, end: int
) -> None:
    expected = intervals.total(intervals.clip(intervals.union(some), start, end))
    assert of(some).between(start, end) == expected


@given(ANY)
def test_gaps_are_what_is_left_of_the_axis(some: list[Interval]) -> None:
    expected = intervals.subtract([(-30, 50)], intervals.union(some))
    assert listed(cover.gaps(of(some), -30, 50)) == expected


def test_picoseconds_of_a_long_trace_stay_exact() -> None:
    hour = 3600 * 10**12
    found = cover.subtract(of([(0, hour)]), of([(hour - 2, hour - 1)]))
    assert found.total == hour - 1
    assert found.between(hour - 3, hour) == 2
