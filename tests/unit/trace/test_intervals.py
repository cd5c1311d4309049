"""Interval arithmetic against sets of integers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gputune.trace.intervals import Interval, clip, contains, intersect, subtract, total, union

POINTS = st.integers(-20, 40)
ANY = st.lists(st.tuples(POINTS, POINTS), max_size=12)


def covered(intervals: list[Interval]) -> set[int]:
    return {point for start, end in intervals for point in range(start, end)}


def is_normal(intervals: list[Interval]) -> bool:
    inside = all(start < end for start, end in intervals)
    return inside and all(a[1] < b[0] for a, b in pairwise(intervals))


@given(ANY)
def test_union_covers_the_same_points_and_is_normal(some: list[Interval]) -> None:
    result = union(some)
    assert covered(result) == covered(some)
    assert is_normal(result)


@given(ANY, ANY)
def test_intersect_and_subtract_are_those_of_sets(a: list[Interval], b: list[Interval]) -> None:
    left, right = union(a), union(b)
    both, rest = intersect(left, right), subtract(left, right)
    assert covered(both) == covered(left) & covered(right)
    assert covered(rest) == covered(left) - covered(right)
    assert is_normal(both)
    assert is_normal(rest)
    assert total(both) + total(rest) == total(left)


@given(ANY, POINTS, POINTS)
def test_clip_keeps_what_lies_in_the_window(some: list[Interval], start: int, end: int) -> None:
    result = clip(union(some), start, end)
    assert covered(result) == covered(some) & set(range(start, end))


@given(ANY, POINTS)
def test_contains_agrees_with_the_set(some: list[Interval], point: int) -> None:
    assert contains(union(some), point) == (point in covered(some))


@given(ANY)
def test_total_is_the_number_of_points(some: list[Interval]) -> None:
    assert total(union(some)) == len(covered(some))


def test_picoseconds_of_a_long_trace_stay_exact() -> None:
    hour = 3600 * 10**12
    assert total(subtract([(0, hour)], [(hour - 1, hour)])) == hour - 1
