"""One loop written by hand, from its first training call on."""

from __future__ import annotations

import threading
import time
import weakref
from collections import Counter
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject import described
from gputune.inject.compute import Trained
from gputune.inject.measurement import Measurement
from gputune.inject.stepper import Stepper, Use
from gputune.inject.training_functions import Trainer
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.iterators import Iterators
    from gputune.inject.watch import Watch

_JOINING_CALLS = 3
"""A training function that is new after so many steps begins another loop: fine-tuning, say."""
STYLES = {
    "function": "loop",
    "strategy.run": "loop",
    "train_on_batch": "keras.train_on_batch",
    "eager": "eager loop",
}
_IN_FUNCTION = "loop in a function"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An iterator that was asked for a batch."""

    reference: weakref.ref[Any]
    t: float
    thread: int

    @classmethod
    def of(cls, iterator: Any, t: float) -> Fetched:
        """By the calling thread, now."""
        return cls(weakref.ref(iterator), t, threading.get_ident())

    @property
    def iterator(self) -> Any:
        """The iterator, None once it is gone."""
        return self.reference()


class Loop:
    """Counts the steps and hands them to the measurement's plan."""

    def __init__(
        self, tf: ModuleType, watch: Watch, trainer: Trainer, iterators: Iterators,
        fetched: list[Fetched], iterator: Any, site: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        self._tf = tf
        self._watch = watch
        self._iterators = iterators
        self.thread = threading.get_ident()
        self.interrupted = False
        self._fetched_from = self._alive(fetched)
        """The iterators that the loop takes its batches from, in Python, in their order."""
        self._began: float | None = None
        self._trainers = {trainer}
        self._in_this_step: Counter[Trainer] = Counter()
        """How often each was called since the step began."""
        self._called: Counter[Trainer] = Counter()
        """The same for all steps that are over."""
        self._steps_over = 0
        self._open = False
        """Whether the current step has had a training call."""
        self._inside_calls = trainer.first_steps if trainer.loops else None
        number = watch.next_training()
        self.stepper = Stepper(watch, number, self._inside_calls or 1, described.synchronise(tf))
        self.stepper.fetches_in_python = bool(self._fetched_from)
        source = iterator if iterator is not None else self._boundary
        self._write_begin(trainer, source, site)
        self._measurement: Measurement | None = None
        if watch.measures(number):
            self._measurement = Measurement(
                watch, tf, self.stepper, epochs=None, total_calls=None, own_profiler=None,
                dataset=iterators.dataset_of(source) if source is not None else None,
                trained=self._trained, cannot_hold=self._cannot_hold(trainer, source),
            )  # fmt: skip
            self.stepper.follow(self._measurement.plan())

    @property
    def _boundary(self) -> Any:
        """The iterator at whose fetches steps begin: of several in a step the first one."""
        return next((it for ref in self._fetched_from if (it := ref()) is not None), None)

    def takes(self, trainer: Trainer) -> bool:
        """Whether its calls are known to belong to this loop."""
        return trainer in self._trainers

    def joins(self, trainer: Trainer) -> bool:
        """Whether something new that trains belongs to this loop: it came at its beginning."""
        if trainer in self._trainers:
            return True
        whole = trainer.loops or any(known.loops for known in self._trainers)
        if not whole and self.stepper.calls <= _JOINING_CALLS:
            self._trainers.add(trainer)
            return True
        return False

    def fetches_from(self, iterator: Any) -> bool:
        """Whether a step begins where this iterator is asked for a batch."""
        return any(known() is iterator for known in self._fetched_from)

    def next_batch(self, iterator: Any, now: float, *, others: list[Fetched]) -> Use:
        """The script takes a batch; what the step is for."""
        if iterator is not self._boundary:
            if not self._open:
                return Use(self.stepper.phase)  # another one of the same step
            # Asked before the first one: that was of something else, as of validation.
            self._fetched_from.sort(key=lambda ref: ref() is not iterator)
        if self._open:
            self._next_step(iterator, stretch=self._foreign(others))
            self._began = now
        return self.stepper.use

    def next_call(self, trainer: Trainer, iterator: Any, *, others: list[Fetched]) -> Use | None:
        """A training function is called with `iterator` among its arguments, or without one."""
        foreign = self._foreign(others)
        if foreign and others and self._fetched_from:
            # A new iterator, of the next epoch (or after validation): steps begin at its fetches.
            self._fetched_from = self._alive(others)
            self._next_step(self._boundary, stretch=True)
            self._began = next((f.t for f in others if f.iterator is self._boundary), None)
            return self.stepper.use
        if self._fetched_from and self._boundary is not None:
            return self.stepper.use  # the step began at its fetch
        if trainer in self._in_this_step or not self._open:
            changed = iterator is not None and iterator is not self.stepper.iterator
            self._next_step(iterator, stretch=foreign or (changed and self.stepper.calls > 0))
        return self.stepper.use

    def called(self, trainer: Trainer, t_enter: float, t_exit: float) -> None:
        """A training call has ended."""
        steps = trainer.steps_since_last() if trainer.loops else None
        began, self._began = self._began, None
        only = len(self._trainers) == 1 and trainer.kind != "eager"
        self.stepper.training_call(began or t_enter, t_exit, steps, only=only)
        self._open = True
        self._in_this_step[trainer] += 1

    def first_call(self, trainer: Trainer, t_enter: float, t_exit: float) -> None:
        """A call that was found to train only when it had ended."""
        if trainer in self._in_this_step or not self._open:
            self._next_step(self._boundary, stretch=False)
        self.stepper.training_call(t_enter, t_exit, self._inside_calls)
        self._open = True
        self._in_this_step[trainer] += 1

    def assigns(self) -> None:
        """Variables are assigned to outside of compiled functions: the step goes on."""
        if self._open and threading.get_ident() == self.thread:
            self.stepper.still_training()

    def end(self) -> None:
        """The loop is over."""
        self.stepper.flush()
        self._watch.log.write(
            events.FIT_END, fit=self.stepper.fit, t=time.perf_counter(), iterations=None
        )
        self.stepper.stop_if_tampered()
        if self._measurement is not None:
            self._watch.guard.run("loop:end", self._measurement.look_at_the_end)
            if self._measurement.traced:
                self._watch.measured = True
        self.stepper.release()

    def _next_step(self, iterator: Any, *, stretch: bool) -> None:
        self._open = False
        self.interrupted = False
        if self._in_this_step:
            self._called.update(self._in_this_step)
            self._steps_over += 1
            self._in_this_step.clear()
        self.stepper.next_step(iterator, stretch=stretch)

    def _foreign(self, others: list[Fetched]) -> bool:
        """Whether something else happened since the last training call: validation, say."""
        return self.interrupted or any(
            f.iterator is None or not self.fetches_from(f.iterator) for f in others
        )

    def _trained(self) -> Trained:
        """The functions of a step, and how often each was called in one."""
        kinds = {trainer.kind for trainer in self._trainers}
        if any(trainer.loops for trainer in self._trainers):
            return Trained(reason="the training loop runs inside one compiled function")
        if "eager" in kinds:
            return Trained(reason="the training step is not a compiled function")
        if "strategy.run" in kinds:
            return Trained(reason="strategy.run is called outside of a compiled function")
        things = [(t.thing(), self._called[t] / max(self._steps_over, 1)) for t in self._trainers]
        if any(thing is None for thing, _ in things):
            return Trained(reason="the training function was gone when the loop had ended")
        if kinds == {"train_on_batch"} and len(things) == 1:
            model = things[0][0]
            return Trained(
                ((model.train_function, things[0][1]),), model,
                compiled=bool(getattr(model, "jit_compile", False)),
            )  # fmt: skip
        if "train_on_batch" in kinds:
            things = [(getattr(thing, "train_function", thing), n) for thing, n in things]
        return Trained(tuple(things))

    @staticmethod
    def _alive(fetched: list[Fetched]) -> list[weakref.ref[Any]]:
        return [f.reference for f in fetched if f.iterator is not None]

    def _cannot_hold(self, trainer: Trainer, source: Any) -> str:
        if trainer.loops:
            return "the training loop runs inside one compiled function"
        if source is None:
            return "the script takes its batches neither from tf.data nor from an iterator"
        return ""

    def _write_begin(self, trainer: Trainer, source: Any, site: dict[str, Any] | None) -> None:
        log, now = self._watch.log, time.perf_counter()
        log.write(
            events.FIT_BEGIN, fit=self.stepper.fit, t=now, site=site,
            style=_IN_FUNCTION if trainer.loops else STYLES[trainer.kind],
            known_batch_size=self._watch.options.batch_size,
            **described.loop(
                self._iterators.dataset_of(source) if source is not None else None,
                source is not None, self.stepper.steps_per_call, trainer.kind == "eager",
                trainer.strategy,
            ),
        )  # fmt: skip
        log.write(events.ENVIRONMENT, **described.environment(self._tf))
