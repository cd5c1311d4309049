"""Around each call of the compiled train function: the clock, and which input it gets.

This is the code that runs at every training step, so it does little: two clock readings, one
row, and one resumption of the measurement's plan.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gputune.inject.stop import stop_script
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_FLUSH_S = 0.5
_SHORT_EPOCH_CALLS = 3


@dataclass(slots=True)
class Call:
    """One call of the train function. Times in seconds of `time.perf_counter()`."""

    t_enter: float
    t_exit: float
    t_end: float
    """When the callbacks of the step were done; `t_exit` until then."""
    duration_s: float | None
    """From the end of the previous call of the epoch to the end of this one; None for the first."""
    epoch: int
    steps: int = 1


@dataclass(slots=True)
class Use:
    """What the next call is for: its phase and block, and the iterator to give it."""

    phase: str
    block: int = 0
    iterator: Any = None
    """None: the script's own."""
    annotate: int | None = None
    sync: bool = False
    """Whether the devices are waited for at its end: the end of a window of calls."""


Plan = Generator[Use, Call | None, None]


class Stepper:
    """Hands each call to the plan, counts steps, and writes the rows."""

    def __init__(
        self, watch: Watch, fit: int, steps_per_call: int,
        synchronise: Callable[[], Any] | None = None,
    ) -> None:  # fmt: skip
        self._watch = watch
        self.fit = fit
        self.steps_per_call = steps_per_call
        self._synchronise = synchronise
        """Waits for the devices; None where the host's clock is the device's."""
        self._iterator: Callable[[], Any] = _nothing
        self.fetches_in_python = False
        """Whether the script takes its batches itself, so that any object can stand for one."""
        self.epoch = -1
        self.calls = 0
        self.calls_in_epoch = 0
        self.calls_in_last_epoch = 0
        self.surplus = 0
        """Batches that Keras counted in this epoch and that the script's iterator still has."""
        self.short_epochs = False
        """Whether an epoch has so few calls that its first one must be counted, too."""
        self.tampered = False
        """Whether batches were taken or repeated: from here on the training is not the script's."""
        self._annotation: Any = None
        self._original: Callable[[Any], Any] | None = None
        self._plan: Plan | None = None
        self._use = Use(events.WARMUP)
        self._rows: list[tuple[Any, ...]] = []
        self._open: Call | None = None
        self._done: Call | None = None
        self._previous_end: float | None = None
        self._last_flush = time.perf_counter()

    @property
    def iterator(self) -> Any:
        """The script's own iterator, of the coming or current call; None once it is gone.

        Held weakly: an iterator that the script has dropped must not keep its threads.
        """
        return self._iterator()

    @iterator.setter
    def iterator(self, iterator: Any) -> None:
        try:
            self._iterator = _nothing if iterator is None else weakref.ref(iterator)
        except TypeError:  # an object of the script's own that allows no weak reference
            self._iterator = lambda: iterator

    @property
    def can_call_aside(self) -> bool:
        """Whether the train function can be called without the script's noticing."""
        return self._original is not None

    @property
    def use(self) -> Use:
        """What the current call is for."""
        return self._use

    @property
    def phase(self) -> str:
        """The phase of the current call."""
        return self._use.phase

    def follow(self, plan: Plan) -> None:
        """Take orders from `plan`, a generator that yields what each call is for."""
        self._plan = plan

    def epoch_begins(self, epoch: int) -> None:
        """The next call is the first of an epoch."""
        self._close_call()
        if self.calls_in_epoch:
            self.calls_in_last_epoch = self.calls_in_epoch
            self.short_epochs = self.calls_in_epoch <= _SHORT_EPOCH_CALLS
        self.epoch = epoch
        self.calls_in_epoch = 0
        self.surplus = 0
        self._previous_end = None
        self.iterator = None

    def wrap(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The train function with this stepper around it."""
        guard = self._watch.guard
        clock = time.perf_counter

        self._original = original

        def train_function(iterator: Any) -> Any:
            use = guard.run("step:before", self._before, iterator)
            given = iterator if use is None or use.iterator is None else use.iterator
            t_enter = clock()
            if use is not None and use.annotate is not None:
                result = self._annotated(original, (given,), {})
            else:
                result = original(given)
            guard.run("step:after", self._after, t_enter, clock(), use)
            return result

        train_function.__wrapped__ = original  # type: ignore[attr-defined]
        train_function.gputune_original = original  # type: ignore[attr-defined]
        return train_function

    def duration_s(self, call: Call) -> float | None:
        """The call's duration for averages; the first of an epoch only where epochs are short.

        The first call of an epoch waits for a new iterator. Where an epoch has but a few calls,
        that is how this training runs, and there is no other figure.
        """
        if call.duration_s is None and self.short_epochs:
            return call.t_end - call.t_enter
        return call.duration_s

    def release(self) -> None:
        """Let go of the plan and of every iterator.

        A live iterator over Python code that outlives the script's own hangs the interpreter at
        its exit.
        """
        plan, self._plan = self._plan, None
        if plan is not None:
            plan.close()
        self._end_annotation()
        self.iterator = self._original = None
        self._use = Use(events.AFTER)

    def call_aside(self, iterator: Any) -> None:
        """One call of the train function that neither Keras nor the rows count."""
        if self._original is not None:
            self._original(iterator)

    def restart_clock(self) -> None:
        """What happened since the last call was gputune's work: no step is charged for it."""
        if self._synchronise is not None:
            self._synchronise()
        self._previous_end = time.perf_counter()

    def callbacks_done(self) -> None:
        """The callbacks of the current step have run."""
        if self._open is not None:
            self._open.t_end = self._end_of_call()
            self._close_call()

    # A loop written by hand: the step is what lies between two fetches, or two training calls.

    def next_step(self, iterator: Any, *, stretch: bool) -> Use:
        """A step begins, so the one before it ends; what the new one is for.

        `stretch` says that something else happened in between (validation, a new iterator): the
        step before ended with its last training call.
        """
        self._end_annotation()
        if stretch:
            self.epoch_begins(self.epoch + 1)
        elif self._open is not None:
            self._open.t_end = self._end_of_call()
        use = self._before(iterator)
        profiler = self._watch.profiler
        if use.annotate is not None and profiler is not None and profiler.active:
            self._annotation = profiler.annotation(use.annotate)
            self._annotation.__enter__()
        return use

    def _end_annotation(self) -> None:
        annotation, self._annotation = self._annotation, None
        if annotation is not None:
            annotation.__exit__(None, None, None)

    def training_call(
        self, t_enter: float, t_exit: float, steps: int | None = None, *, only: bool = False
    ) -> None:
        """A training call of the current step has ended: its first one, or one more.

        `steps` is how many training steps the call made, where not `steps_per_call`; `only` says
        that no other call belongs to a step, so that in a trace the step ends here.
        """
        if only:
            self._end_annotation()
        if self._open is not None:
            self._open.t_exit = self._open.t_end = t_exit
            return
        call = self._after(t_enter, t_exit, self._use)
        if steps is not None:
            call.steps = steps

    def still_training(self) -> None:
        """The current step goes on: variables are being assigned to."""
        if self._open is not None:
            self._open.t_exit = self._open.t_end = time.perf_counter()

    def _end_of_call(self) -> float:
        if self._use.sync and self._synchronise is not None:
            self._synchronise()
        return time.perf_counter()

    def flush(self) -> None:
        """Write the rows that are still in memory."""
        self._close_call()
        if self._rows:
            rows, self._rows = self._rows, []
            self._watch.log.write(events.STEPS, fit=self.fit, rows=rows)
        self._last_flush = time.perf_counter()

    def _before(self, iterator: Any) -> Use:
        try:
            return self._next_use(iterator)
        except Exception as error:
            self._plan = None
            self._use = Use(events.AFTER)
            self._watch.guard.failed("measurement", error)
            self.stop_if_tampered()
            return self._use

    def stop_if_tampered(self) -> None:
        """End the script, where what it would go on to compute is no longer its own."""
        if self.tampered and not self._watch.options.full:
            stop_script(self._watch)

    def _next_use(self, iterator: Any) -> Use:
        self._close_call()
        self.iterator = iterator
        if self._plan is None:
            return self._use
        guard = self._watch.guard
        guard.trip(f"measurement:{self._use.phase}")
        if not guard.enabled("step:after"):
            raise RuntimeError("the calls are not timed any more")
        done, self._done = self._done, None
        try:
            self._use = self._plan.send(done) if self.calls else next(self._plan)
        except StopIteration:
            self._plan = None
            self._use = Use(events.AFTER)
        return self._use

    def _annotated(
        self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call it, marked in the trace where one is being taken."""
        profiler, number = self._watch.profiler, self._use.annotate
        if number is None or profiler is None or not profiler.active:
            return original(*args, **kwargs)
        with profiler.annotation(number):
            return original(*args, **kwargs)

    def _after(self, t_enter: float, t_exit: float, use: Use | None) -> Call:
        self.calls += 1
        self.calls_in_epoch += 1
        if use is not None and use.iterator is not None:
            self.surplus += self.steps_per_call
        call = Call(t_enter, t_exit, t_exit, None, self.epoch, self.steps_per_call)
        self._open = call
        return call

    def _close_call(self) -> None:
        call = self._open
        if call is None:
            return
        self._open = None
        if self._previous_end is not None:
            call.duration_s = call.t_end - self._previous_end
        self._previous_end = call.t_end
        self._done = call
        use = self._use
        self._rows.append(
            (call.t_enter, call.t_exit, call.t_end, call.steps, call.epoch,
             use.phase, use.block)
        )  # fmt: skip
        if call.t_end - self._last_flush > _FLUSH_S:
            self.flush()


def _nothing() -> None:
    """The iterator before there is one."""
