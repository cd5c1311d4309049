"""Steps timed around a model's train function, with a clock that the test turns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gputune.inject import timing
from gputune.inject.guard import Guard
from gputune.inject.timing import Timing
from tests.unit.inject.watching import Clock, MemoryLog


class Training:
    """A model whose step takes what `step_s` says, and as long again between two steps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
        self.clock = Clock()
        monkeypatch.setattr(timing.time, "perf_counter", self.clock)
        self.step_s = 0.02
        self.between_s = 0.0
        self.log = MemoryLog()
        self.model = SimpleNamespace(train_function=self._step)
        self.own = self.model.train_function
        self.waited = self.finished = 0
        options = {"max_s": 20.0, "synchronise": None, "samples": lambda: 32, **more}
        self.timing = Timing(
            self.model, options.pop("guard", Guard(self.log)),  # type: ignore[arg-type]
            done=self._finish, **options,
        )  # fmt: skip
        self.timing.begin()

    def _step(self, iterator: Any) -> str:
        self.clock.now += self.step_s
        return f"logs of {iterator}"

    def _finish(self) -> None:
        self.finished += 1

    def run(self, steps: int) -> None:
        for number in range(steps):
            assert self.model.train_function(number) == f"logs of {number}"
            self.clock.now += self.between_s


def test_a_steady_step_ends_the_measurement_and_gives_the_function_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """20 ms a step: windows of 13 steps (0.26 s); five of them are steady, after 65 steps."""
    training = Training(monkeypatch)
    training.run(2 + 64)
    assert training.finished == 0
    training.run(1)
    assert training.finished == 1
    assert training.model.train_function == training.own
    timed = training.timing.timed
    assert timed.steady.steady and timed.warmup_calls == 2
    assert timed.samples_of_first_call == 32
    assert timed.calls == pytest.approx([0.02] * 65)
    training.run(10)
    assert timed.all_calls == 67 and training.finished == 1


def test_what_lies_between_two_steps_belongs_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(monkeypatch)
    training.between_s = 0.03
    training.run(20)
    training.timing.end()
    assert training.timing.timed.calls == pytest.approx([0.05] * 18)


def test_the_first_step_of_an_epoch_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(monkeypatch)
    training.run(10)
    training.clock.now += 5.0  # validation
    training.timing.epoch_begins()
    training.run(4)
    training.timing.end()
    assert training.timing.timed.calls == pytest.approx([0.02] * (8 + 3))


def test_a_step_that_never_settles_ends_it_after_the_seconds_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training = Training(monkeypatch, max_s=3.0)
    for number in range(400):
        training.step_s = 0.02 * (1 + number / 40)
        training.run(1)
        if training.finished:
            break
    assert training.finished == 1
    assert 3.0 <= sum(training.timing.timed.calls) < 3.6
    assert not training.timing.timed.steady.steady


def test_the_device_is_waited_for_at_the_ends_of_windows_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dispatch takes 6 ms, the device 14 ms more: the windows know it."""
    queue = [0]
    training = Training(monkeypatch)
    training.step_s = 0.006

    def wait() -> None:
        training.clock.now += 0.014 * (training.timing.timed.all_calls - queue[0])
        queue[0] = training.timing.timed.all_calls
        training.waited += 1

    training.timing._synchronise = wait
    training.run(2 + 120)
    windows = training.timing.timed.windows
    assert [w.calls for w in windows[:2]] == [42, 42]
    assert [w.call_s for w in windows] == pytest.approx([0.02] * len(windows))
    assert training.waited == 1 + len(windows)


def test_a_failure_of_ours_never_reaches_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(MemoryLog(), break_hook="callback:step")  # type: ignore[arg-type]
    training = Training(monkeypatch, guard=guard)
    training.run(5)
    training.timing.end()
    assert training.finished == 1 and training.timing.timed.calls == []
    assert training.model.train_function == training.own
