"""The training under the checks, on a stand-in of Keras that has its loop: no TensorFlow."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import gputune.inject.fits  # noqa: F401 - loaded by the hooks before the checks are asked
from gputune.checks.script import checking as under_test
from gputune.checks.script import runner
from gputune.checks.script.check import Check
from gputune.inject.guard import Guard
from gputune.inject.watch import Watch
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import EventLog, read_events


class Stopped(BaseException):
    """In the place of `os._exit`."""


class Sees(Check):
    told: list[Any]

    def fit_called(self, training):
        self.told.append(("fit", training.arguments.get("epochs")))
        return ()

    def training_begins(self, training):
        self.told.append(("begins", training.style, training.epochs, training.steps_per_epoch))
        return ()

    def step_ends(self, training, step):
        if step.number == 1:
            self.told.append(("first step", dict(step.logs)))
        return ()

    def epoch_ends(self, training, epoch, logs):
        self.told.append(("epoch", epoch, training.steps, logs))
        return ()

    def finish(self, training):
        self.told.append(("finish", training.steps, training.epochs_ended, training.cut_short))
        return ()

    def failed(self, raised):
        self.told.append(("failed", raised.kind, raised.steps))
        return ()


def stand_in() -> ModuleType:
    """Keras' loop, as its TensorFlow trainer has it."""
    keras: Any = ModuleType("keras")

    class Layer:
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return super().__new__(cls)

    class CallbackList:
        def __init__(self, callbacks: Any, model: Any, **params: Any) -> None:
            self.callbacks, self.model, self.params = list(callbacks), model, params

        def _each(self, hook: str, *args: Any) -> None:
            for callback in self.callbacks:
                getattr(callback, hook, lambda *a: None)(*args)

        def on_train_begin(self, logs=None):
            self._each("on_train_begin", logs)

        def on_train_batch_end(self, batch, logs=None):
            self._each("on_train_batch_end", batch, logs)

        def on_epoch_begin(self, epoch, logs=None):
            pass

        def on_epoch_end(self, epoch, logs=None):
            self._each("on_epoch_end", epoch, logs)

        def on_test_batch_end(self, batch, logs=None):
            pass

        def on_train_end(self, logs=None):
            self._each("on_train_end", logs)

    class Model(Layer):
        steps_per_execution = 1
        validated = 0

        def fit(self, x=None, validation_data=None, epochs=1, callbacks=(), steps=1000):
            if x == "bad":
                raise ValueError("x is bad")
            container = CallbackList(callbacks, self, epochs=epochs, steps=steps)
            self.stop_training = False
            container.on_train_begin()
            for epoch in range(epochs):
                for step in range(steps):
                    container.on_train_batch_end(step, {"loss": 0.5, "matrix": object()})
                    if self.stop_training:
                        break
                self.evaluate(container)
                container.on_epoch_end(epoch, {"loss": 0.5})
                if self.stop_training:
                    break
            container.on_train_end()
            return "history"

        def evaluate(self, container):
            self.stop_evaluating = False
            for step in range(50):
                self.validated += 1
                container.on_test_batch_end(step)
                if self.stop_evaluating:
                    break

    keras.Layer, keras.Model = Layer, Model
    keras.callbacks = SimpleNamespace(
        CallbackList=CallbackList, Callback=type("Callback", (), {"__init__": lambda self: None})
    )
    keras.config = SimpleNamespace(disable_traceback_filtering=lambda: None)
    keras.utils, keras.backend = ModuleType("utils"), ModuleType("backend")
    keras.utils.PyDataset = type("PyDataset", (), {})
    return keras


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = stand_in()
    monkeypatch.setitem(sys.modules, "keras", made)
    return made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []
    kind = type("Told", (Sees,), {"told": seen})
    monkeypatch.setattr(runner, "entry", lambda name: SimpleNamespace(load=lambda: kind))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def stop(watch: Watch) -> None:
        raise Stopped

    monkeypatch.setattr(under_test, "_stop_script", stop)
    return seen


def started(tmp_path: Path, keras: Any, **options: Any) -> tuple[under_test.Checking, Watch]:
    folder = SessionFolder(tmp_path)
    log = EventLog(folder.events)
    watch = Watch(folder, Options(checks=("sees",), max_s=60.0, **options), log, Guard(log))
    checking = under_test.Checking(watch)
    checking.keras_imported(keras, ModuleType("tensorflow"))
    return checking, watch


def test_two_epochs_are_made_of_the_scripts_own_fit(tmp_path, keras, told) -> None:
    started(tmp_path, keras)
    model = keras.Model()
    with pytest.raises(Stopped):
        model.fit(epochs=100)
    assert told == [
        ("fit", 100),
        ("begins", "keras.fit", 100, 1000),
        ("first step", {"loss": 0.5}),
        ("epoch", 0, 30, {"loss": 0.5}),
        ("epoch", 1, 40, {"loss": 0.5}),
        ("finish", 40, 2, True),
    ]
    assert model.validated == 2, "one batch of each validation"
    states = [e for e in read_events(tmp_path / "events.jsonl") if e["event"] == "check_state"]
    assert [(e["check"], e["state"]) for e in states] == [("sees", "clear")]


def test_of_a_dataset_that_cannot_begin_again_one_epoch_is_made_and_its_validation_is_whole(
    tmp_path, keras, told
) -> None:
    """Keras refuses a PyDataset's second epoch where the first was cut short."""
    started(tmp_path, keras)
    model, data = keras.Model(), keras.utils.PyDataset()
    with pytest.raises(Stopped):
        model.fit(data, validation_data=data, epochs=100)
    assert told[-1] == ("finish", 30, 1, True)
    assert model.validated == 50


def test_short_epochs_of_such_a_dataset_go_on(tmp_path, keras, told) -> None:
    started(tmp_path, keras)
    with pytest.raises(Stopped):
        keras.Model().fit(keras.utils.PyDataset(), epochs=3, steps=4)
    assert told[-1] == ("finish", 12, 3, False)


def test_short_epochs_end_by_themselves(tmp_path, keras, told) -> None:
    started(tmp_path, keras)
    with pytest.raises(Stopped):
        keras.Model().fit(epochs=3, steps=4)
    assert told[-1] == ("finish", 12, 3, False)


def test_a_callback_that_ends_the_training_ends_it(tmp_path, keras, told) -> None:
    started(tmp_path, keras)

    class Ends:
        def on_epoch_end(self, epoch, logs):
            model.stop_training = True

    model = keras.Model()
    with pytest.raises(Stopped):
        model.fit(epochs=100, callbacks=[Ends()])
    assert told[-1] == ("finish", 30, 1, True)


def test_an_error_that_the_script_catches_leaves_the_next_fit_to_be_checked(
    tmp_path, keras, told
) -> None:
    started(tmp_path, keras)
    with pytest.raises(ValueError, match="x is bad"):
        keras.Model().fit("bad")
    with pytest.raises(Stopped):
        keras.Model().fit(epochs=2)
    assert told[0] == ("fit", None) and told[-1] == ("finish", 40, 2, True)


def test_a_loop_ends_after_so_many_steps_and_a_short_one_leaves_the_fit_after_it(
    tmp_path, keras, told
) -> None:
    checking, _ = started(tmp_path, keras)
    assert [checking.enough(step, None) for step in (1, 2)] == [False, False]
    assert told == [("begins", "loop", None, None), ("first step", {})]
    with pytest.raises(Stopped):
        keras.Model().fit(epochs=2)
    assert told[-1] == ("finish", 40, 2, True)
    told.clear()
    checking, _ = started(tmp_path, stand_in())
    assert [checking.enough(step, None) for step in (1, 39, 40)] == [False, False, True]
    checking.finish()
    assert told[-1] == ("finish", 40, 0, False)


def test_the_error_that_ends_the_script_is_told_with_the_steps_before_it(
    tmp_path, keras, told, capsys
) -> None:
    checking, _ = started(tmp_path, keras)

    class Breaks:
        def on_train_batch_end(self, batch, logs):
            if batch == 6:
                raise KeyError("f1")

    with pytest.raises(KeyError) as caught:
        keras.Model().fit(callbacks=[Breaks()])
    sys.excepthook(caught.type, caught.value, caught.tb)
    checking.script_ended()
    assert told[-1] == ("failed", "KeyError", 6)
    assert "KeyError" in capsys.readouterr().err, "nobody has explained it"
    (state,) = [e for e in read_events(tmp_path / "events.jsonl") if e["event"] == "check_state"]
    assert state["reason"] == "the script ended with KeyError after 6 training steps"


def test_the_wanted_fit_is_the_one_that_is_checked(tmp_path, keras, told) -> None:
    _, watch = started(tmp_path, keras, fit=2)
    assert keras.Model().fit(epochs=1, steps=50) == "history"
    assert told == []
    watch.next_training()  # as the hooks inside do
    with pytest.raises(Stopped):
        keras.Model().fit(epochs=1, steps=5)
    assert told[-1] == ("finish", 5, 1, False)


def test_a_failure_of_the_checks_own_hooks_ends_the_script_and_says_so(
    tmp_path, keras, told
) -> None:
    _, watch = started(tmp_path, keras)
    watch.guard = Guard(watch.log, break_hook="checking:training")
    with pytest.raises(Stopped):
        keras.Model().fit(epochs=5)
    (state,) = [e for e in read_events(tmp_path / "events.jsonl") if e["event"] == "check_state"]
    assert state["state"] == "not-run" and "InjectedFault" in state["reason"]


def test_a_fork_of_the_process_trains_as_ever(tmp_path, keras, told) -> None:
    _, watch = started(tmp_path, keras)
    watch.guard.disable_all()
    assert keras.Model().fit(epochs=1, steps=5) == "history"
    assert told == []
