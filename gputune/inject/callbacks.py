"""What each Keras callback takes, at the steps and around the epochs, and what validation takes.

The container's list of callbacks is exchanged for one that looks at the clock whenever Keras,
going through it, is done with a callback. The callbacks themselves and their classes stay as they
are. Sums are written once an epoch, and once a second within one.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.patching import Hook, patch
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.fits import Fit, Fits
    from gputune.inject.watch import Watch

HOOK = "callbacks"
_FLUSH_S = 1.0

Seconds = dict[int, float]
"""By the callback's place in the list: a dict, so that a list that grows breaks nothing."""


class TimedCallbacks(list[Any]):
    """A list that adds to `spent` what is done with each item while it is gone through.

    Only in the thread that set `spent`: where Keras hands the callbacks to a thread of its own
    (not on TensorFlow as of Keras 3.15), they delay no step and are not timed.
    """

    def __init__(self, callbacks: Any, timings: Timings) -> None:
        super().__init__(callbacks)
        self.timings = timings
        self.spent: Seconds | None = None
        self.thread = threading.get_ident()

    def __iter__(self) -> Iterator[Any]:
        spent = self.spent
        if spent is None or threading.get_ident() != self.thread:
            return super().__iter__()
        return self._timed(super().__iter__(), spent)

    def __reduce__(self) -> Any:
        """Pickled and copied, it is the plain list that the script knows."""
        return list, (list(self),)

    @staticmethod
    def _timed(callbacks: Iterator[Any], spent: Seconds) -> Iterator[Any]:
        clock = time.perf_counter
        began = clock()
        for place, callback in enumerate(callbacks):
            yield callback
            now = clock()
            spent[place] = spent.get(place, 0.0) + now - began
            began = now


class Timings:
    """The seconds of one fit's callbacks, since they were last written."""

    def __init__(self, watch: Watch, fit: Fit, container: Any) -> None:
        self._watch = watch
        self._fit = fit
        given: Any = fit.arguments.get("callbacks")
        self._given = identities(container.callbacks if given is container else given)
        phases = {events.CLEAN, events.AFTER} if watch.options.full else {events.CLEAN}
        self._counted = frozenset(phases)
        self._calls = 0
        self._last_flush = time.perf_counter()
        self.epoch = -1
        self._clean: Seconds = {}
        self.step: Seconds = {}
        """Of the step that is under way."""
        self.begin: Seconds = {}
        self.end: Seconds = {}
        self.test: Seconds = {}
        self.listed = TimedCallbacks(container.callbacks, self)

    def epoch_begins(self, number: Any) -> None:
        """What is measured from here on belongs to this epoch."""
        self.epoch = int(number)
        # Keras begins one step more where it meets the end of the data only by asking for it.
        self.step.clear()

    def step_done(self) -> None:
        """A step and its callbacks are over."""
        stepper = self._fit.stepper
        if stepper is not None and stepper.phase in self._counted:
            self._calls += 1
            for place, seconds in self.step.items():
                self._clean[place] = self._clean.get(place, 0.0) + seconds
        self.step.clear()
        if time.perf_counter() - self._last_flush > _FLUSH_S:
            self.flush()

    def validated(self, began: float, ended: float) -> None:
        """Keras has evaluated the model in the course of this fit."""
        self._watch.log.write(
            events.VALIDATION, fit=self._fit.number, epoch=self.epoch, t=ended,
            duration_s=ended - began,
        )  # fmt: skip

    def flush(self) -> None:
        """Write the sums, and begin new ones."""
        self._last_flush = time.perf_counter()
        if not (self._calls or self.begin or self.end or self.test):
            return
        callbacks = list(self.listed)
        self._watch.log.write(
            events.CALLBACKS,
            fit=self._fit.number,
            epoch=self.epoch,
            t=self._last_flush,
            names=[type(callback).__name__ for callback in callbacks],
            ours=[id(callback) not in self._given for callback in callbacks],
            calls=self._calls,
            **{
                name: [seconds.get(place, 0.0) for place in range(len(callbacks))]
                for name, seconds in (
                    ("step_s", self._clean), ("begin_s", self.begin), ("end_s", self.end),
                    ("test_s", self.test),
                )
            },
        )  # fmt: skip
        self._calls = 0
        for seconds in (self._clean, self.begin, self.end, self.test):
            seconds.clear()


_running: weakref.WeakSet[Timings] = weakref.WeakSet()


class _Hooks:
    """What happens around the methods of Keras' container of callbacks, and around `evaluate`."""

    def __init__(self, fits: Fits, watch: Watch) -> None:
        self._fits = fits
        self._watch = watch
        self._guard = watch.guard

    def train_begin(self, original: Any, container: Any, args: Any, kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        self._guard.run(HOOK, self._attach, container)
        return result

    def train_end(self, original: Any, container: Any, args: Any, kwargs: Any) -> Any:
        try:
            return original(*args, **kwargs)
        finally:
            timings = self._timings_of(container)
            if timings is not None:
                self._guard.run(HOOK, timings.flush)
                container.callbacks = list(timings.listed)
                _running.discard(timings)

    def evaluate(self, original: Any, model: Any, args: Any, kwargs: Any) -> Any:
        # An evaluation of `fit`'s own is given the fit's container; the user's own is not.
        timings = self._timings_of(kwargs.get("callbacks"))
        if timings is None:
            return original(*args, **kwargs)
        began = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            self._guard.run(HOOK, timings.validated, began, time.perf_counter())

    def within(self, sums: str, *, then: str | None = None, begins_epoch: bool = False) -> Hook:
        """A hook that times what the callbacks do in a method, and calls `then` after it."""

        def hook(original: Any, container: Any, args: Any, kwargs: Any) -> Any:
            timings = self._timings_of(container)
            if timings is None:
                return original(*args, **kwargs)
            if begins_epoch:
                self._guard.run(
                    HOOK, timings.epoch_begins, args[0] if args else kwargs.get("epoch")
                )
            listed = timings.listed
            listed.spent = getattr(timings, sums)
            try:
                return original(*args, **kwargs)
            finally:
                listed.spent = None
                if then is not None:
                    self._guard.run(HOOK, getattr(timings, then))

        return hook

    def _attach(self, container: Any) -> None:
        fit = self._fits.current
        if fit is None or fit.stepper is None or container.model is not fit.model:
            return
        timings = Timings(self._watch, fit, container)
        container.callbacks = timings.listed
        _running.add(timings)

    def _timings_of(self, container: Any) -> Timings | None:
        listed = getattr(container, "callbacks", None)
        if type(listed) is not TimedCallbacks or not self._guard.enabled(HOOK):
            return None
        return listed.timings


def watch(keras: ModuleType, fits: Fits, watch: Watch) -> None:
    """Hook the callbacks' container and `evaluate`; after `fits.watch`, whose hooks run inside."""
    hooks = _Hooks(fits, watch)
    container = keras.callbacks.CallbackList
    patch(container, "on_train_begin", hooks.train_begin)
    patch(container, "on_train_end", hooks.train_end)
    patch(container, "on_train_batch_begin", hooks.within("step"))
    patch(container, "on_train_batch_end", hooks.within("step", then="step_done"))
    patch(container, "on_epoch_begin", hooks.within("begin", begins_epoch=True))
    patch(container, "on_epoch_end", hooks.within("end", then="flush"))
    for name in ("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"):
        patch(container, name, hooks.within("test"))
    patch(keras.Model, "evaluate", hooks.evaluate)


def flush() -> None:
    """Write what the running fits have in memory."""
    for timings in list(_running):
        timings.flush()


def identities(callbacks: Any) -> frozenset[int]:
    """The callbacks that the script gave to `fit`, in whatever nesting, by their identity."""
    if callbacks is None:
        return frozenset()
    if isinstance(callbacks, dict):
        callbacks = list(callbacks.values())
    if isinstance(callbacks, (list, tuple)):
        return frozenset().union(*map(identities, callbacks))
    return frozenset({id(callbacks)})
