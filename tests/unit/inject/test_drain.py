from __future__ import annotations

import time
from itertools import accumulate

import pytest

from gputune.inject.drain import (
    FEWEST_BATCHES,
    LONGEST_DRAIN_S,
    MOST_BATCHES,
    Drained,
    _buffered,
    drain_s,
    empty_buffers,
    measure_rate,
)
from tests.unit.inject.watching import Clock, TimedIterator


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(1000.0)
    monkeypatch.setattr(time, "perf_counter", found)
    return found


def stamps(*seconds: float) -> list[float]:
    return [0.0, *accumulate(seconds)]


@pytest.mark.parametrize("fast", [8, 20, 50])
def test_the_batches_before_the_bend_came_from_buffers(fast: int) -> None:
    assert _buffered(stamps(*[0.001] * fast, *[0.1] * 20)) == fast


@pytest.mark.parametrize("n", [8, 40, 400])
def test_a_constant_rate_has_no_bend_and_loses_a_quarter(n: int) -> None:
    assert _buffered(stamps(*[0.01] * n)) == n // 4


def test_an_input_that_becomes_faster_was_not_buffered() -> None:
    assert _buffered(stamps(*[0.1] * 20, *[0.01] * 20)) == 10


def test_few_or_instant_batches_show_no_bend() -> None:
    assert _buffered(stamps(0.001, 0.001, 0.1)) == 0
    assert _buffered([5.0] * 21) == 5


def test_the_rate_is_that_behind_the_buffers(clock: Clock) -> None:
    iterator = TimedIterator(clock, *[0.001] * 30, forever=0.05)
    found = measure_rate(iterator)
    assert isinstance(found, Drained)
    assert found.first_batches == 30
    assert found.duration_s / found.batches == pytest.approx(0.05)
    assert clock.now - 1000.0 == pytest.approx(LONGEST_DRAIN_S, abs=0.1)


def test_an_input_that_ends_is_timed_until_then(clock: Clock) -> None:
    found = measure_rate(TimedIterator(clock, *[0.02] * 40))
    assert isinstance(found, Drained)
    assert (found.first_batches, found.batches) == (10, 30)
    assert found.duration_s == pytest.approx(0.6)


def test_a_slow_input_still_gets_its_four_batches(clock: Clock) -> None:
    found = measure_rate(TimedIterator(clock, forever=0.7))
    assert isinstance(found, Drained)
    assert found.batches >= FEWEST_BATCHES
    assert found.duration_s / found.batches == pytest.approx(0.7)


def test_who_wants_it_short_gets_it_short(clock: Clock) -> None:
    assert drain_s(20) == drain_s(4) == LONGEST_DRAIN_S
    measure_rate(TimedIterator(clock, forever=0.05), drain_s(1))
    assert clock.now - 1000.0 == pytest.approx(0.75, abs=0.06)


@pytest.mark.parametrize(("each_s", "batches"), [(0.2, 8), (0.7, 5)])
def test_a_slow_input_has_its_first_eight_or_three_seconds(
    each_s: float, batches: int, clock: Clock
) -> None:
    iterator = TimedIterator(clock, forever=each_s)
    assert isinstance(measure_rate(iterator, drain_s(1)), Drained)
    assert iterator.taken == batches


def test_too_few_batches_are_no_rate_and_say_so(clock: Clock) -> None:
    found = measure_rate(TimedIterator(clock, 0.1, 0.1, 0.1))
    assert isinstance(found, str)
    assert "only 3 batches" in found


def test_an_endless_instant_input_is_left_after_some_thousands(clock: Clock) -> None:
    iterator = TimedIterator(clock, forever=1e-7)
    measure_rate(iterator)
    assert iterator.taken == MOST_BATCHES


def test_what_cannot_be_drained_says_so() -> None:
    assert measure_rate(object()) == "this input has no iterator to drain"


def test_buffers_are_empty_after_three_slow_batches(clock: Clock) -> None:
    iterator = TimedIterator(clock, *[0.001] * 5, 0.03, 0.001, 0.03, 0.03, forever=0.03)
    assert empty_buffers(iterator, 100, 0.02) == 10
    assert iterator.taken == 10


def test_emptying_takes_no_more_than_it_may(clock: Clock) -> None:
    assert empty_buffers(TimedIterator(clock, forever=0.015), 20, 0.02) == 20
    assert empty_buffers(TimedIterator(clock, *[0.001] * 3), 20, 0.02) == 3
    before = clock.now
    empty_buffers(TimedIterator(clock, forever=0.015), 10**6, 0.02)
    assert clock.now - before == pytest.approx(2.0, abs=0.02)
