"""What `inject` loads for `gputune check`: shortens the training, asks the checks, ends the script.

The script's own call of `fit` runs with its own arguments. An epoch is ended early through Keras'
own switch for it (`model.stop_training`, which makes Keras validate, call `on_epoch_end` and then
leave), and the training goes on into a second epoch, so that what callbacks do between epochs is
seen too. Validations end after a batch in the same way (`model.stop_evaluating`). When `fit`
returns, the checks look at what was trained, and the process ends.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from gputune.checks.script.length import Length
from gputune.checks.script.made import Made
from gputune.checks.script.raised import Raised
from gputune.checks.script.runner import Runner
from gputune.checks.script.training import Step, Training
from gputune.inject.callbacks import identities
from gputune.inject.patching import caller, patch
from gputune.inject.sites import call_site
from gputune.schema.site import site_of
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

VALIDATION_STEPS = 1
WATCHDOG_S = 600.0
"""So long after its time is over a training that hangs is ended, with its process."""
_NO_TRAINING = "no training was seen"
_EXPLAINED = "gputune: the script's error is explained below; run it alone for the traceback"


class Checking:
    """One script under `gputune check`."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._made = Made(watch.guard)
        self._runner = Runner(watch, watch.options.checks, self._made)
        self._training: Training | None = None
        self._container: Any = None
        self._length = Length(watch.options.max_s)
        self._last_step: float | None = None
        self._earlier_steps = 0
        """Of trainings whose error the script has caught, or has not."""
        self._stopped_by_us = False
        self._begins_no_other = False
        """Whether the input cannot begin another epoch after one that was cut short."""
        self._watchdog: threading.Timer | None = None
        self._longest_s = WATCHDOG_S + watch.options.max_s
        self._over = False
        self._raised: BaseException | None = None
        self._print = sys.excepthook
        sys.excepthook = self._uncaught

    # What inject calls.

    def keras_imported(self, keras: ModuleType, tf: ModuleType) -> None:
        """Hook Keras; after `inject.fits`, whose hooks run inside of these."""
        self._guarded(self._hook, keras, tf)

    def _hook(self, keras: ModuleType, tf: ModuleType) -> None:
        _keep_frames(keras)
        for module in (keras.utils, keras.backend):
            patch(module, "clear_session", self._around_clear_session)
        self._made.watch(keras)
        patch(keras.Model, "fit", self._fit)
        container = keras.callbacks.CallbackList
        patch(container, "on_train_begin", self._around_train_begin)
        patch(container, "on_train_batch_end", self._after(self._step_ended))
        patch(container, "on_epoch_end", self._around_epoch_end)
        patch(container, "on_test_batch_end", self._after(self._test_batch_ended))
        self._runner.ask("keras_imported", keras, tf)

    def enough(self, steps: int, iterator: Any) -> bool:
        """Whether a loop written by hand has made enough steps; False where `fit` trains.

        `iterator` is the one that the loop takes its batches from, None where that is unknown.
        """
        now = time.perf_counter()
        if self._training is None:
            self._training = Training(number=self._watch.trainings, style="loop")
            self._training_begins()
        training = self._training
        if training.style != "loop":
            return False
        self._length.steps = training.steps = steps
        training.iterator = iterator if iterator is not None else training.iterator
        self._runner.ask("step_ends", training, Step(steps, 0, {}, self._since(now)))
        return self._length.is_enough(now)

    def finish(self) -> None:
        """The training is over: the checks' last look at it."""
        if self._over:
            return
        self._over = True
        self._call_off()
        training = self._training
        if training is None:
            self._runner.end(_NO_TRAINING)
            return
        self._write_length(training)
        self._runner.ask("finish", training)
        self._runner.end()

    def script_ended(self) -> None:
        """The interpreter ends, and the training was not finished."""
        if self._over:
            return
        if self._training is not None:
            self._training.iterator = None
        # Where the script has an `excepthook` of its own, ours was not called.
        error = self._raised or getattr(sys, "last_value", None)
        if error is not None:
            self._failed(error)
            self._over = True
            self._runner.end(f"the script ended with {type(error).__name__} {self._when()}")
        elif self._training is not None:
            self.finish()
        else:
            self._over = True
            self._runner.end(_NO_TRAINING)

    # The training.

    def _fit(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        watch = self._watch
        free = self._training is None or self._training.style == "loop"  # a short one before it
        mine = (
            free and not watch.in_fit and watch.guard.works
            and watch.measures(watch.trainings + 1)
        )  # fmt: skip
        if mine:
            self._guarded(self._begin, model, args, kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException:  # the script's own, Ctrl-C too; it goes on
            if mine:
                self._forget_training()  # a script that catches this may train again
            raise
        if mine:
            self._guarded(self.finish)
            _stop_script(watch)
        return result

    def _call_off(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _forget_training(self) -> None:
        self._call_off()
        if self._training is not None and self._training.steps:
            self._write_length(self._training)
            self._earlier_steps += self._training.steps
        self._training = self._container = self._last_step = None
        self._length, self._stopped_by_us = Length(self._watch.options.max_s), False

    def _write_length(self, training: Training) -> None:
        self._watch.log.write(
            events.CHECKED, t=time.perf_counter(), fit=training.number, style=training.style,
            steps=training.steps, epochs=training.epochs_ended, cut_short=training.cut_short,
        )  # fmt: skip

    def _steps(self) -> int:
        """Training steps made in all."""
        return self._earlier_steps + (self._training.steps if self._training is not None else 0)

    def _when(self) -> str:
        """When an error came, in words."""
        steps = self._steps()
        return f"after {steps} training steps" if steps else "before its first training step"

    def _around_clear_session(self, original: Any, _: Any, args: Any, kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        self._watch.guard.run("checking:frames", _keep_frames, sys.modules["keras"])
        return result

    def _begin(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._forget_training()
        keras = sys.modules["keras"]
        signature = inspect.signature(keras.Model.fit)
        arguments = dict(signature.bind_partial(model, *args, **kwargs).arguments)
        self._training = Training(
            number=self._watch.trainings + 1, style="keras.fit", model=model,
            arguments=arguments, site=site_of(call_site(caller())),
            epochs=_integer(arguments.get("epochs", 1)),
            steps_per_epoch=_integer(arguments.get("steps_per_epoch")),
        )  # fmt: skip
        self._runner.ask("fit_called", self._training)

    def _around_train_begin(self, original: Any, container: Any, args: Any, kwargs: Any) -> Any:
        if self._of_training(container) and self._container is None:
            self._guarded(self._callbacks_begin, container)
        return original(*args, **kwargs)

    def _callbacks_begin(self, container: Any) -> None:
        training = self._training
        assert training is not None
        self._container = container
        given = training.arguments.get("callbacks")
        training.callbacks = _own(container, given)
        parameters = container.params or {}
        training.epochs = _integer(parameters.get("epochs")) or training.epochs
        training.steps_per_epoch = _integer(parameters.get("steps"))
        self._training_begins()

    def _training_begins(self) -> None:
        self._length.began = time.perf_counter()
        self._watchdog = threading.Timer(self._longest_s, self._hangs)
        self._watchdog.daemon = True
        self._watchdog.start()
        self._runner.ask("training_begins", self._training)

    def _step_ended(self, container: Any, args: Any, kwargs: Any) -> None:
        training = self._training
        assert training is not None
        now = time.perf_counter()
        training.iterator = _live_iterator() or training.iterator
        made = int(getattr(training.model, "steps_per_execution", 1) or 1)
        long_enough = self._length.step_ends(made, now)
        training.steps = self._length.steps
        logs = _numbers(args[1] if len(args) > 1 else kwargs.get("logs"))
        step = Step(training.steps, training.epochs_ended, logs, self._since(now))
        self._runner.ask("step_ends", training, step)
        if long_enough and not training.model.stop_training:
            self._stopped_by_us = training.cut_short = True
            training.model.stop_training = True

    def _around_epoch_end(self, original: Any, container: Any, args: Any, kwargs: Any) -> Any:
        if not self._of_training(container):
            return original(*args, **kwargs)
        if self._stopped_by_us:
            # Keras has left the epoch's steps; what callbacks say from here on is theirs.
            container.model.stop_training = self._stopped_by_us = False
            self._begins_no_other = _is_py_dataset(self._training, "x")
        result = original(*args, **kwargs)
        self._guarded(self._epoch_ended, container, args, kwargs)
        return result

    def _epoch_ended(self, container: Any, args: Any, kwargs: Any) -> None:
        training = self._training
        assert training is not None
        logs = args[1] if len(args) > 1 else kwargs.get("logs")
        enough = self._length.epoch_ends(time.perf_counter())
        training.epochs_ended = self._length.epochs
        training.metrics = tuple(logs or ())
        self._last_step = None
        epoch = args[0] if args else kwargs.get("epoch", 0)
        self._runner.ask("epoch_ends", training, int(epoch), _numbers(logs))
        if enough or self._begins_no_other:
            training.model.stop_training = True

    def _test_batch_ended(self, container: Any, args: Any, kwargs: Any) -> None:
        batch = args[0] if args else kwargs.get("batch", 0)
        if container.model is None or _is_py_dataset(self._training, "validation_data"):
            return
        if int(batch) + 1 >= VALIDATION_STEPS:
            container.model.stop_evaluating = True

    def _after(self, then: Callable[[Any, Any, Any], None]) -> Any:
        """A hook that calls `then` after the container's method, in the training and no other."""

        def hook(original: Any, container: Any, args: Any, kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if self._of_training(container):
                self._guarded(then, container, args, kwargs)
            return result

        return hook

    def _of_training(self, container: Any) -> bool:
        training = self._training
        return (
            training is not None and training.model is not None and not self._over
            and container.model is training.model
        )  # fmt: skip

    def _since(self, now: float) -> float | None:
        before, self._last_step = self._last_step, now
        return None if before is None else now - before

    # Ends.

    def _guarded(self, function: Callable[..., Any], *args: Any) -> None:
        """Run a step of this class; where it fails the script must not train to its end."""
        guard = self._watch.guard
        if not guard.works:
            return
        try:
            guard.trip("checking:training")
            function(*args)
        except Exception as error:
            guard.failed("checking:training", error)
            self._give_up(f"gputune's own hook on the training failed: {type(error).__name__}")

    def _hangs(self) -> None:
        if not self._over:
            self._give_up(f"the training took longer than {self._longest_s:.0f} s")

    def _give_up(self, reason: str) -> None:
        self._over = True
        self._runner.end(reason)
        _stop_script(self._watch)

    def _uncaught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """An error ends the script: one that a check explains needs no traceback."""
        if not issubclass(kind, Exception) or not self._failed(error):
            self._print(kind, error, trace)
        else:
            print(_EXPLAINED, file=sys.stderr)

    def _failed(self, error: BaseException) -> bool:
        """Ask the checks about the error, once; whether one of them has explained it."""
        if self._raised is not None or self._over or not isinstance(error, Exception):
            return False
        self._raised = error
        if self._training is not None:
            self._training.iterator = None  # one over Python code would hang the interpreter's end
            self._write_length(self._training)
        raised = Raised(error, self._steps())
        self._watch.guard.run("checking:failed", self._runner.ask_about, raised)
        return raised.explained


def _own(container: Any, given: Any) -> tuple[Any, ...]:
    """The callbacks that the script gave to `fit`, without those that Keras has added."""
    own = identities(container.callbacks if given is container else given)
    return tuple(one for one in container.callbacks if id(one) in own)


def _keep_frames(keras: ModuleType) -> None:
    """Let errors keep Keras' frames: they hold the layer that raised, and what it was given."""
    keras.config.disable_traceback_filtering()


def _live_iterator() -> Any:
    # Loaded by now: `inject.watch` sets these hooks when the script imports Keras.
    return sys.modules["gputune.inject.fits"].live_iterator()


def _stop_script(watch: Watch) -> NoReturn:
    # Here, since it imports multiprocessing, which a script may want to find unloaded.
    from gputune.inject.stop import stop_script

    stop_script(watch)


def _numbers(logs: Any) -> dict[str, float]:
    found = {}
    for name, value in (logs or {}).items():
        try:
            found[str(name)] = float(value)
        except (TypeError, ValueError):  # a metric that is no single number
            continue
    return found


def _integer(value: Any) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


def _is_py_dataset(training: Training | None, argument: str) -> bool:
    """Whether that argument of `fit` is a PyDataset.

    Keras tells one that its epoch is over only where its last batch was taken (3.15), and refuses
    to begin another one before.
    """
    given = training.arguments.get(argument) if training is not None else None
    return given is not None and isinstance(given, sys.modules["keras"].utils.PyDataset)
