"""The stepper between a made-up training loop and a made-up plan, on a clock of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gputune.inject import stepper as stepper_module
from gputune.inject.stepper import Call, Plan, Stepper, Use
from gputune.inject.watch import Watch
from gputune.session import events
from tests.unit.inject.watching import Clock, MemoryLog, watch_in


class Loop:
    """Trains as Keras does: the train function, then the callbacks; each takes its time."""

    def __init__(self, watch: Watch, clock: Clock, *, steps_per_call: int = 1) -> None:
        self.given: list[Any] = []
        self._clock = clock
        self.stepper = Stepper(watch, 1, steps_per_call)
        self.call = self.stepper.wrap(self._train)
        self.call_s = 1.0
        self.callbacks_s = 0.25

    def _train(self, iterator: Any) -> str:
        self.given.append(iterator)
        self._clock.now += self.call_s
        return f"logs of {iterator}"

    def epoch(self, number: int, calls: int, iterator: Any = "own") -> None:
        self.stepper.epoch_begins(number)
        for _ in range(calls):
            assert str(self.call(iterator)).startswith("logs of")
            self._clock.now += self.callbacks_s
            self.stepper.callbacks_done()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(100.0)
    monkeypatch.setattr(time, "perf_counter", found)
    return found


@pytest.fixture
def watched(tmp_path: Path) -> tuple[Watch, MemoryLog]:
    return watch_in(tmp_path / "session")


@pytest.fixture
def loop(watched: tuple[Watch, MemoryLog], clock: Clock) -> Loop:
    return Loop(watched[0], clock)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[Watch]:
    """Who was asked to end the process; nobody is ended."""
    found: list[Watch] = []
    monkeypatch.setattr(stepper_module, "stop_script", found.append)
    return found


def rows(log: MemoryLog) -> list[tuple[Any, ...]]:
    return [tuple(row) for event in log.of(events.STEPS) for row in event["rows"]]


def phases(log: MemoryLog) -> list[tuple[str, int]]:
    return [(row[5], row[6]) for row in rows(log)]


def planned(*uses: Use, then: Callable[[], None] = lambda: None) -> Plan:
    for use in uses:  # noqa: UP028 - a tuple takes nothing that is sent to the plan
        yield use
    then()


def test_a_row_is_when_the_call_began_returned_and_its_callbacks_were_done(
    loop: Loop, watched: tuple[Watch, MemoryLog]
) -> None:
    loop.epoch(0, 2)
    loop.stepper.flush()
    assert rows(watched[1]) == [
        (100.0, 101.0, 101.25, 1, 0, events.WARMUP, 0),
        (101.25, 102.25, 102.5, 1, 0, events.WARMUP, 0),
    ]


def test_a_call_of_many_steps_is_one_row(watched: tuple[Watch, MemoryLog], clock: Clock) -> None:
    loop = Loop(watched[0], clock, steps_per_call=8)
    loop.epoch(0, 1)
    loop.stepper.flush()
    assert [row[3] for row in rows(watched[1])] == [8]


def test_the_result_and_the_iterator_of_the_script_pass_through(loop: Loop) -> None:
    assert loop.call("own") == "logs of own"
    assert loop.given == ["own"]


def test_the_plan_says_what_each_call_is_for(loop: Loop, watched: tuple[Watch, MemoryLog]) -> None:
    loop.stepper.follow(
        planned(Use(events.CLEAN), Use(events.HELD, 3, "held"), Use(events.REAL, 3))
    )
    loop.epoch(0, 5)
    loop.stepper.flush()
    assert loop.given == ["own", "held", "own", "own", "own"]
    assert phases(watched[1]) == [
        (events.CLEAN, 0), (events.HELD, 3), (events.REAL, 3), (events.AFTER, 0),
        (events.AFTER, 0),
    ]  # fmt: skip
    assert watched[0].guard.enabled("measurement")


def test_the_plan_is_told_how_long_each_call_took(loop: Loop) -> None:
    told: list[Call | None] = []

    def plan() -> Plan:
        while True:
            told.append((yield Use(events.CLEAN)))

    loop.stepper.follow(plan())
    loop.epoch(0, 3)
    loop.epoch(1, 2)
    found = [(c.epoch, c.duration_s, c.t_exit - c.t_enter) for c in told if c is not None]
    assert found == [
        (0, None, 1.0), (0, 1.25, 1.0), (0, 1.25, 1.0), (1, None, 1.0),
    ]  # fmt: skip


def test_gputunes_own_work_between_two_calls_is_charged_to_no_step(
    loop: Loop, clock: Clock
) -> None:
    told: list[Call | None] = []

    def plan() -> Plan:
        yield Use(events.CLEAN)
        told.append((yield Use(events.CLEAN)))
        clock.now += 50.0
        loop.stepper.restart_clock()
        told.append((yield Use(events.CLEAN)))
        yield Use(events.CLEAN)

    loop.stepper.follow(plan())
    loop.epoch(0, 4)
    assert [c.duration_s for c in told if c is not None] == [1.25, 1.25]


def test_a_plan_that_fails_leaves_the_script_its_own_iterator(
    loop: Loop, watched: tuple[Watch, MemoryLog], stopped: list[Watch]
) -> None:
    def fail() -> None:
        raise ValueError("boom")

    loop.stepper.follow(planned(Use(events.CLEAN), Use(events.HELD, 0, "held"), then=fail))
    loop.epoch(0, 5)
    loop.stepper.flush()
    assert loop.given == ["own", "held", "own", "own", "own"]
    assert phases(watched[1])[2:] == [(events.AFTER, 0)] * 3
    (told,) = watched[1].of(events.HOOK_DISABLED)
    assert (told["hook"], told["error"]) == ("measurement", "ValueError: boom")
    assert stopped == []


def test_a_failed_plan_that_has_changed_the_training_ends_the_script(
    loop: Loop, watched: tuple[Watch, MemoryLog], stopped: list[Watch]
) -> None:
    def fail() -> None:
        loop.stepper.tampered = True
        raise ValueError("boom")

    loop.stepper.follow(planned(Use(events.CLEAN), then=fail))
    loop.epoch(0, 2)
    assert stopped == [watched[0]]


def test_batches_that_the_scripts_iterator_still_has_are_counted(
    watched: tuple[Watch, MemoryLog], clock: Clock
) -> None:
    loop = Loop(watched[0], clock, steps_per_call=4)
    loop.stepper.follow(
        planned(Use(events.CLEAN), Use(events.HELD, 0, "held"), Use(events.HELD, 0, "held"))
    )
    loop.epoch(0, 4)
    assert loop.stepper.surplus == 8
    loop.stepper.epoch_begins(1)
    assert loop.stepper.surplus == 0


@pytest.mark.parametrize(("calls", "short"), [(1, True), (3, True), (4, False)])
def test_epochs_of_up_to_three_calls_are_short(loop: Loop, calls: int, short: bool) -> None:
    loop.epoch(0, calls)
    loop.stepper.epoch_begins(1)
    assert loop.stepper.short_epochs is short


def test_rows_are_written_every_half_second_and_at_the_end_and_each_once(
    loop: Loop, watched: tuple[Watch, MemoryLog]
) -> None:
    loop.call_s, loop.callbacks_s = 0.125, 0.0
    loop.epoch(0, 4)
    assert rows(watched[1]) == []
    loop.epoch(1, 2)
    assert len(rows(watched[1])) == 5
    loop.stepper.flush()
    loop.stepper.flush()
    assert len(rows(watched[1])) == 6


def test_a_call_whose_callbacks_never_came_is_still_a_row(
    loop: Loop, watched: tuple[Watch, MemoryLog]
) -> None:
    loop.stepper.epoch_begins(0)
    loop.call("own")
    loop.stepper.flush()
    assert rows(watched[1]) == [(100.0, 101.0, 101.0, 1, 0, events.WARMUP, 0)]


def test_a_call_aside_is_in_no_row_and_a_failing_call_is_the_scripts_own_error(
    loop: Loop, watched: tuple[Watch, MemoryLog]
) -> None:
    loop.epoch(0, 1)
    loop.stepper.call_aside("held")
    loop.stepper.flush()
    assert loop.given == ["own", "held"]
    assert len(rows(watched[1])) == 1

    def failing(iterator: Any) -> None:
        raise LookupError("the script's")

    train = Stepper(watched[0], 2, 1).wrap(failing)
    with pytest.raises(LookupError, match="the script's"):
        train("own")
    assert watched[1].of(events.HOOK_DISABLED) == []


def test_release_closes_the_plan_and_lets_go_of_every_iterator(loop: Loop) -> None:
    closed: list[bool] = []

    def plan() -> Plan:
        try:
            yield Use(events.HELD, 0, "held")
            yield Use(events.HELD, 0, "held")
        finally:
            closed.append(True)

    loop.stepper.follow(plan())
    loop.epoch(0, 1)
    loop.stepper.release()
    assert closed == [True]
    assert loop.stepper.iterator is None
    loop.stepper.call_aside("held")
    loop.epoch(1, 1)
    assert loop.given == ["held", "own"]


def test_with_the_hooks_off_the_training_goes_on_as_it_is(
    loop: Loop, watched: tuple[Watch, MemoryLog]
) -> None:
    loop.stepper.follow(planned(Use(events.HELD, 0, "held")))
    watched[0].guard.disable_all()
    loop.epoch(0, 3)
    assert loop.given == ["own"] * 3
