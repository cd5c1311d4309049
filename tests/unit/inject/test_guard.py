from __future__ import annotations

import inspect

import pytest

from gputune.inject.guard import Guard
from gputune.session import events
from tests.unit.inject.watching import MemoryLog


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def guard(log: MemoryLog) -> Guard:
    return Guard(log)  # type: ignore[arg-type]


def failing() -> None:
    raise ValueError("boom")


def test_a_hook_that_works_gives_its_result(guard: Guard) -> None:
    assert guard.run("add", lambda a, b: a + b, 2, 3) == 5


def test_a_hook_that_fails_is_off_from_then_on_and_the_others_go_on(
    guard: Guard, log: MemoryLog
) -> None:
    calls: list[int] = []
    assert guard.run("bad", failing) is None
    assert guard.run("bad", calls.append, 1) is None
    guard.run("good", calls.append, 2)
    assert calls == [2]
    assert (guard.enabled("bad"), guard.enabled("good")) == (False, True)
    assert log.events == [
        {"event": events.HOOK_DISABLED, "hook": "bad", "error": "ValueError: boom"}
    ]


def test_a_failure_is_said_once(guard: Guard, log: MemoryLog) -> None:
    for _ in range(3):
        guard.run("bad", failing)
        guard.failed("bad", ValueError("again"))
    assert len(log.events) == 1


def test_a_failure_of_the_scripts_own_kind_of_exit_is_not_swallowed(guard: Guard) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guard.run("hook", interrupted)


def test_in_a_fork_every_hook_is_off(guard: Guard, log: MemoryLog) -> None:
    calls: list[int] = []
    guard.disable_all()
    guard.run("any", calls.append, 1)
    guard.run("bad", failing)
    assert (calls, log.events, guard.enabled("any")) == ([], [], False)


def test_a_full_disk_ends_the_hooks_and_not_the_script(guard: Guard, log: MemoryLog) -> None:
    log.full = True
    assert guard.run("bad", failing) is None
    assert not guard.enabled("another")


def test_a_wrapped_function_keeps_its_name_and_fails_quietly(guard: Guard, log: MemoryLog) -> None:
    def divide(a: int, b: int) -> float:
        """Divide."""
        return a / b

    hook = guard.wrap("divide", divide)
    assert (hook.__name__, hook.__doc__) == ("divide", "Divide.")
    assert list(inspect.signature(hook).parameters) == ["a", "b"]
    assert hook(6, b=3) == 2
    assert hook(1, 0) is None
    assert hook(6, 3) is None
    assert [event["hook"] for event in log.events] == ["divide"]


def test_the_switch_for_tests_breaks_the_named_hook_only(log: MemoryLog) -> None:
    guard = Guard(log, break_hook="drain")  # type: ignore[arg-type]
    assert guard.run("drain", lambda: 1) is None
    assert guard.run("fit", lambda: 1) == 1
    assert [event["hook"] for event in log.events] == ["drain"]


def test_a_long_error_is_cut(guard: Guard, log: MemoryLog) -> None:
    guard.failed("bad", ValueError("x" * 10_000))
    assert len(log.events[0]["error"]) == 500
