"""Watch Keras' `fit` on the TensorFlow backend: which fits there are, and each one's steps."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject import callbacks, described, loops
from gputune.inject.compute import Trained
from gputune.inject.measurement import Measurement
from gputune.inject.patching import caller, patch
from gputune.inject.sites import call_site
from gputune.inject.stepper import Stepper
from gputune.inject.trials.serving import Serving
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch


class Fit:
    """One call of `fit` that is running."""

    def __init__(self, number: int, model: Any, site: Any, arguments: dict[str, Any]) -> None:
        self.number = number
        self.called = time.perf_counter()
        self.model = model
        self.site = site
        self.arguments = arguments
        self.stepper: Stepper | None = None
        self.measurement: Measurement | None = None
        self.original: Any = None
        self.iterations: int | None = None


class Fits:
    """The fits of the script, innermost last (a callback may train another model)."""

    def __init__(self, keras: ModuleType, tf: ModuleType, watch: Watch) -> None:
        self._tf = tf
        self._keras = keras
        self._watch = watch
        self._running: list[Fit] = []
        self._signature = inspect.signature(keras.Model.fit)

    @property
    def current(self) -> Fit | None:
        """The innermost running fit."""
        return self._running[-1] if self._running else None

    def fit(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        """Hook of `keras.Model.fit`."""
        if self._is_served():
            # Never returns: the script's own `fit` is what serves.
            Serving(self._keras, self._tf, self._watch).serve(
                model, args, kwargs, lambda args, kwargs: self._fit(original, model, args, kwargs)
            )
        return self._fit(original, model, args, kwargs)

    def _is_served(self) -> bool:
        """Whether this call of `fit` is the one that trials are made of."""
        watch = self._watch
        if watch.options.control_fd is None or watch.serving or self._running:
            return False
        return watch.options.fit in (None, watch.trainings + 1)

    def _fit(
        self, original: Callable[..., Any], model: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        guard = self._watch.guard
        guard.run("loop:end", loops.end)
        self._watch.in_fit += 1
        fit = guard.run("fit", self._begin, model, args, kwargs)
        measurement = None
        try:
            result = original(*args, **kwargs)
            # Only where the fit ended well: an exception is the script's, and goes its way.
            measurement = fit.measurement if fit is not None else None
            return result
        finally:
            if fit is not None:
                guard.run("fit:end", self._end, fit)
                if measurement is not None:
                    guard.run("fit:end", measurement.fit_has_ended)
                guard.run("fit:release", self._release, fit)
            self._watch.in_fit -= 1

    def _begin(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Fit:
        arguments = self._signature.bind_partial(model, *args, **kwargs).arguments
        # Frames: _begin <- Guard.run <- fit <- the user's line.
        fit = Fit(self._watch.next_training(), model, call_site(caller()), dict(arguments))
        self._running.append(fit)
        return fit

    def _release(self, fit: Fit) -> None:
        if fit in self._running:
            self._running.remove(fit)
        if fit.measurement is not None and fit.measurement.traced:
            self._watch.measured = True
        if fit.stepper is not None:
            fit.stepper.release()
        if fit.original is not None and hasattr(fit.model.train_function, "gputune_original"):
            fit.model.train_function = fit.original

    def _end(self, fit: Fit) -> None:
        if fit.stepper is not None:
            fit.stepper.flush()
        now = described.iterations(fit.model)
        done = None if now is None or fit.iterations is None else now - fit.iterations
        self._watch.log.write(
            events.FIT_END, fit=fit.number, t=time.perf_counter(), iterations=done
        )

    def train_begins(self, container: Any) -> None:
        """`on_train_begin` has run: the train function exists, and no step has been made."""
        fit = self.current
        if fit is None or fit.stepper is not None or container.model is not fit.model:
            return
        model = fit.model
        steps_per_call = int(getattr(model, "steps_per_execution", 1) or 1)
        parameters = container.params or {}
        fields = described.fit(
            self._tf, self._keras, model, fit.arguments, parameters, self._watch.recorder,
        )  # fmt: skip
        self._watch.log.write(
            events.FIT_BEGIN, fit=fit.number, t=time.perf_counter(), called=fit.called,
            site=fit.site, known_batch_size=self._watch.options.batch_size, **fields,
        )  # fmt: skip
        self._watch.log.write(events.ENVIRONMENT, **described.environment(self._tf))
        fit.iterations = described.iterations(model)
        fit.stepper = Stepper(
            self._watch, fit.number, steps_per_call, described.synchronise(self._tf)
        )
        if self._watch.measures(fit.number):
            epochs = _epochs(model, parameters, fit.arguments)
            fit.measurement = Measurement(
                self._watch, self._tf, fit.stepper, epochs=epochs,
                total_calls=_total_calls(epochs, parameters.get("steps"), steps_per_call),
                own_profiler=described.own_profiler(self._keras, container.callbacks),
                dataset=fields["dataset"],
                trained=lambda: Trained(
                    ((fit.original, 1 / steps_per_call),), model, fields["batch_size"],
                    compiled=bool(fields["jit_compile"]),
                ),
                loss=lambda: described.loss(model),
            )  # fmt: skip
            fit.stepper.follow(fit.measurement.plan())
        # Keras keeps the function for the next fit: where `fit:release` failed, it is still ours.
        wrapped = model.train_function
        fit.original = getattr(wrapped, "gputune_original", wrapped)
        model.train_function = fit.stepper.wrap(fit.original)

    def epoch(self, event: str, container: Any, epoch: Any) -> None:
        """An epoch of the innermost fit begins or ends."""
        fit = self.current
        if fit is None or fit.stepper is None or container.model is not fit.model:
            return
        fields: dict[str, Any] = {"fit": fit.number, "epoch": int(epoch), "t": time.perf_counter()}
        if event == events.EPOCH_BEGIN:
            fit.stepper.epoch_begins(int(epoch))
        else:
            fit.stepper.flush()
            now = described.iterations(fit.model)
            if now is not None and fit.iterations is not None:
                fields["iterations"] = now - fit.iterations
        self._watch.log.write(event, **fields)

    def flush(self) -> None:
        """Write what the running fits have in memory."""
        for fit in self._running:
            if fit.stepper is not None:
                fit.stepper.flush()


_fits: Fits | None = None


def watch(keras: ModuleType, tf: ModuleType, watch: Watch) -> None:
    """Hook `keras.Model.fit` and the callbacks' container."""
    global _fits
    fits = _fits = Fits(keras, tf, watch)
    guard = watch.guard

    def train_begin(original: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        guard.run("fit:train_begin", fits.train_begins, instance)
        return result

    def batch_end(original: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        fit = fits.current
        if fit is not None and fit.stepper is not None:
            guard.run("step:callbacks", fit.stepper.callbacks_done)
        return result

    def epoch_begin(original: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        guard.run("fit:epoch", fits.epoch, events.EPOCH_BEGIN, instance, _epoch(args, kwargs))
        return result

    def epoch_end(original: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        guard.run("fit:epoch", fits.epoch, events.EPOCH_END, instance, _epoch(args, kwargs))
        return original(*args, **kwargs)

    patch(keras.Model, "fit", fits.fit)
    container = keras.callbacks.CallbackList
    patch(container, "on_train_begin", train_begin)
    patch(container, "on_train_batch_end", batch_end)
    patch(container, "on_epoch_begin", epoch_begin)
    patch(container, "on_epoch_end", epoch_end)
    guard.run("callbacks", callbacks.watch, keras, fits, watch)


def flush(watch: Watch) -> None:
    """Write what is still in memory, at the end of the process."""
    if _fits is not None:
        _fits.flush()
    watch.guard.run(callbacks.HOOK, callbacks.flush)


def live_iterator() -> Any:
    """The iterator of the innermost running fit's last step; None once it is gone."""
    fit = _fits.current if _fits is not None else None
    return fit.stepper.iterator if fit is not None and fit.stepper is not None else None


def _epoch(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else kwargs.get("epoch", 0)


def _epochs(model: Any, parameters: dict[str, Any], arguments: dict[str, Any]) -> int | None:
    """How many epochs the fit will make: Keras counts from `initial_epoch`."""
    if not parameters.get("epochs"):
        return None
    # What BackupAndRestore found; private, and absent in versions that do not have it.
    restored = getattr(model, "_initial_epoch", None)
    begin = restored or arguments.get("initial_epoch") or 0
    return max(int(parameters["epochs"]) - int(begin), 1)


def _total_calls(epochs: int | None, steps: int | None, steps_per_call: int) -> int | None:
    """How many calls the fit will make, or None where an epoch's length is unknown."""
    if not epochs or not steps:
        return None
    return epochs * -(-int(steps) // steps_per_call)
