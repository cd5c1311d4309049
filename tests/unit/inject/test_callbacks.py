"""A made-up Keras that trains: what its callbacks and its validation take, on a clock."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gputune.inject import callbacks
from gputune.inject.callbacks import HOOK, TimedCallbacks
from gputune.session import events
from tests.unit.inject.watching import Clock, MemoryLog, watch_in


@dataclass
class Callback:
    """Takes so many seconds at each of its methods."""

    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)
    then: Callable[[str], None] = lambda method: None

    def __getattr__(self, method: str) -> Any:
        if not method.startswith("on_"):
            raise AttributeError(method)

        def called(*args: Any) -> None:
            self.clock.now += self.seconds.get(method, 0.0)
            self.then(method)

        return called


class History(Callback):
    """What Keras adds by itself."""


def made_up_keras() -> Any:
    """Container and model as Keras has them, new ones each time since they are patched."""

    class CallbackList:
        def __init__(self, given: Any, model: Any, clock: Clock) -> None:
            self.callbacks = [*given, History(clock)]
            self.model = model

        def _each(self, method: str, *args: Any) -> None:
            for callback in self.callbacks:
                getattr(callback, method)(*args)

        def on_train_begin(self) -> None:
            self._each("on_train_begin")

        def on_train_end(self) -> None:
            self._each("on_train_end")

        def on_train_batch_begin(self, batch: int) -> None:
            self._each("on_train_batch_begin", batch)

        def on_train_batch_end(self, batch: int) -> None:
            self._each("on_train_batch_end", batch)

        def on_epoch_begin(self, epoch: int) -> None:
            self._each("on_epoch_begin", epoch)

        def on_epoch_end(self, epoch: int) -> None:
            self._each("on_epoch_end", epoch)

        def on_test_begin(self) -> None:
            self._each("on_test_begin")

        def on_test_end(self) -> None:
            self._each("on_test_end")

    class Model:
        def evaluate(self, callbacks: Any = None) -> str:
            clock = callbacks.callbacks[0].clock
            callbacks.on_test_begin()
            clock.now += 2.0
            callbacks.on_test_end()
            return "evaluated"

    keras: Any = ModuleType("keras")
    keras.Model = Model
    keras.callbacks = SimpleNamespace(CallbackList=CallbackList)
    return keras


class Fitting:
    """Trains as `fit` does, watched."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock = clock
        self.keras = made_up_keras()
        self.watch, self.log = watch_in(folder)
        self.stepper: Any = SimpleNamespace(phase=events.CLEAN)
        self.fit: Any = None
        callbacks.watch(self.keras, self, self.watch)  # type: ignore[arg-type]

    @property
    def current(self) -> Any:
        return self.fit

    def begin(self, *given: Callback) -> Any:
        model = self.keras.Model()
        container = self.keras.callbacks.CallbackList(given, model, self.clock)
        self.fit = SimpleNamespace(
            number=3, model=model, stepper=self.stepper, arguments={"callbacks": list(given)}
        )
        container.on_train_begin()
        return container

    def epoch(self, container: Any, number: int, steps: int = 1, *, validate: bool = False) -> None:
        container.on_epoch_begin(number)
        for step in range(steps):
            container.on_train_batch_begin(step)
            self.clock.now += 10.0  # the train function
            container.on_train_batch_end(step)
        if validate:
            assert self.fit.model.evaluate(callbacks=container) == "evaluated"
        container.on_epoch_end(number)

    def sums(self, name: str) -> list[float]:
        """The sums of both callbacks over all events."""
        written = [event[name] for event in self.log.of(events.CALLBACKS)]
        return [pytest.approx(sum(values)) for values in zip(*written, strict=True)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock(100.0)
    monkeypatch.setattr(time, "perf_counter", found)
    return found


@pytest.fixture
def fitting(tmp_path: Path, clock: Clock) -> Fitting:
    return Fitting(tmp_path / "session", clock)


def log_of(fitting: Fitting) -> MemoryLog:
    return fitting.log


def test_each_callback_is_charged_what_it_took(fitting: Fitting, clock: Clock) -> None:
    slow = Callback(
        clock,
        {
            "on_train_batch_begin": 0.25, "on_train_batch_end": 0.5, "on_epoch_begin": 1.0,
            "on_epoch_end": 3.0, "on_test_begin": 0.125, "on_train_begin": 99.0,
        },
    )  # fmt: skip
    container = fitting.begin(slow)
    fitting.epoch(container, 0, steps=4, validate=True)
    container.on_train_end()
    assert [e["epoch"] for e in fitting.log.of(events.CALLBACKS)] == [0] * 5  # each second, and end
    first = fitting.log.of(events.CALLBACKS)[0]
    assert (first["fit"], first["names"], first["ours"]) == (
        3, ["Callback", "History"], [False, True],
    )  # fmt: skip
    assert sum(e["calls"] for e in fitting.log.of(events.CALLBACKS)) == 4
    assert fitting.sums("step_s") == [4 * 0.75, 0.0]
    assert fitting.sums("begin_s") == [1.0, 0.0]
    assert fitting.sums("end_s") == [3.0, 0.0]
    assert fitting.sums("test_s") == [0.125, 0.0]


def test_only_steps_of_the_clean_phase_count(fitting: Fitting, clock: Clock) -> None:
    container = fitting.begin(Callback(clock, {"on_train_batch_end": 0.5}))
    for phase in (events.WARMUP, events.CLEAN, events.HELD, events.AFTER):
        fitting.stepper.phase = phase
        fitting.epoch(container, 0)
    assert sum(e["calls"] for e in fitting.log.of(events.CALLBACKS)) == 1
    assert fitting.sums("step_s") == [0.5, 0.0]


def test_a_step_that_met_the_end_of_the_data_is_charged_to_no_other(
    fitting: Fitting, clock: Clock
) -> None:
    container = fitting.begin(Callback(clock, {"on_train_batch_begin": 0.5}))
    container.on_epoch_begin(0)
    container.on_train_batch_begin(0)  # and no end: there was no batch any more
    fitting.epoch(container, 1)
    assert fitting.sums("step_s") == [0.5, 0.0]


def test_validation_is_timed_where_fit_makes_it_and_not_where_a_callback_does(
    fitting: Fitting, clock: Clock
) -> None:
    other = fitting.keras.callbacks.CallbackList([Callback(clock)], None, clock)

    def evaluates(method: str) -> None:
        if method == "on_epoch_end":
            fitting.fit.model.evaluate(callbacks=other)

    container = fitting.begin(Callback(clock, then=evaluates))
    fitting.epoch(container, 7, validate=True)
    (seen,) = fitting.log.of(events.VALIDATION)
    assert (seen["fit"], seen["epoch"], seen["duration_s"]) == (3, 7, 2.0)
    assert fitting.sums("end_s") == [2.0, 0.0]


def test_the_script_keeps_its_own_callbacks_and_a_list(fitting: Fitting, clock: Clock) -> None:
    slow = Callback(clock)
    before = dict(vars(slow))
    container = fitting.begin(slow)
    listed = container.callbacks
    assert isinstance(listed, list)
    assert type(listed) is TimedCallbacks
    assert listed[0] is slow
    assert list(listed) == [slow, listed[1]]
    assert type(copy.copy(listed)) is list
    assert type(pickle.loads(pickle.dumps(TimedCallbacks([1], listed.timings)))) is list
    listed.append(Callback(clock, {"on_train_batch_end": 0.5}))
    fitting.epoch(container, 0)
    assert fitting.sums("step_s") == [0.0, 0.0, 0.5]
    container.on_train_end()
    assert type(container.callbacks) is list
    assert vars(slow) == before


def test_an_exception_of_a_callback_goes_its_way(fitting: Fitting, clock: Clock) -> None:
    def fails(method: str) -> None:
        if method == "on_train_batch_end":
            raise KeyError("the script's")

    container = fitting.begin(Callback(clock, then=fails))
    with pytest.raises(KeyError, match="the script's"):
        fitting.epoch(container, 0)
    assert container.callbacks.spent is None
    assert fitting.watch.guard.enabled(HOOK)


def test_a_hook_that_fails_leaves_the_training_alone(fitting: Fitting, clock: Clock) -> None:
    container = fitting.begin(Callback(clock, {"on_train_batch_end": 0.5}))
    fitting.log.full = True  # no space left on the device
    fitting.epoch(container, 0, steps=3, validate=True)
    fitting.log.full = False
    fitting.epoch(container, 1, steps=3, validate=True)
    container.on_train_end()
    assert not fitting.watch.guard.enabled(HOOK)
    assert fitting.log.events == []


def test_what_is_in_memory_is_written_when_the_script_is_ended(
    fitting: Fitting, clock: Clock
) -> None:
    container = fitting.begin(Callback(clock, {"on_epoch_begin": 0.5}))
    container.on_epoch_begin(0)
    assert fitting.log.of(events.CALLBACKS) == []
    callbacks.flush()
    assert fitting.sums("begin_s") == [0.5, 0.0]
