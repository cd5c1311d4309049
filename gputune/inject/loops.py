"""Loops written by hand: which calls are their training steps, and how one drives a measurement.

A step is one batch that was taken and trained on. Where the script takes its batches in Python
(`for batch in dataset`), a step lasts from one fetch to the next; else (a function that is given
the iterator, a generator, NumPy slices) from one call of a training function to its next one, so
that the two functions of a GAN make one step. What trains is told by
`inject/training_functions`: validation, `evaluate` and saliency maps are no steps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.iterators import Iterators
from gputune.inject.loop import Fetched, Loop
from gputune.inject.patching import caller, patch
from gputune.inject.sites import call_site
from gputune.inject.training_functions import (
    Trainer,
    Trainers,
    loops_inside,
    optimizer_steps,
    source_ids,
    variable_ids,
    watch_variables,
)

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_MOST_PENDING = 4096
_MOST_FETCHED = 16


@dataclass(slots=True)
class Pending:
    """Calls that took gradients which nobody has applied yet."""

    calls: list[tuple[float, float]]
    site: dict[str, Any] | None


class Loops:
    """What the script calls at its outermost level, outside of every `fit`."""

    def __init__(self, tf: ModuleType, watch: Watch) -> None:
        self._tf = tf
        self._watch = watch
        self._trainers = Trainers(tf)
        self.iterators = Iterators(tf, watch, self._fetch)
        self._loop: Loop | None = None
        self._fetched: list[Fetched] = []
        """What was fetched since the last training call, by iterators that are not the loop's."""
        self._pending: dict[Trainer, Pending] = {}
        self._current: Trainer | None = None
        self._strategy: Any = None
        """The strategy whose `run` is about to be called, eagerly."""
        self._inside = False
        """Whether an outermost call is running: what it calls, in any thread, is part of it."""

    @property
    def _off(self) -> bool:
        if self._watch.in_fit > 0 or self._inside:
            return True
        # Another thread (of evaluation, say) must not be taken for a part of the step.
        if self._loop is not None and threading.get_ident() != self._loop.thread:
            return True
        return not self._tf.executing_eagerly()

    # What the hooks call.

    def call(
        self, thing: Any, kind: str, original: Callable[..., Any], args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        """A compiled function, `strategy.run` or `train_on_batch` is called."""
        if self._off:
            return original(*args, **kwargs)
        guard = self._watch.guard
        trainer = guard.run("loop:call", self._trainers.of, thing, kind)
        if trainer is None:
            return original(*args, **kwargs)
        if self._strategy is not None:
            trainer.strategy, self._strategy = self._strategy, None
        self._inside = True
        try:
            if trainer.trains:
                swapped = guard.run("loop:before", self._before, trainer, args)
                args = args if swapped is None else swapped
            self._current = trainer
            t_enter = time.perf_counter()
            result = original(*args, **kwargs)
            t_exit = time.perf_counter()
            self._current = None
            guard.run("loop:after", self._after, trainer, t_enter, t_exit, args)
            return result
        finally:
            self._inside = False
            self._current = None

    def symbolic_gradient(
        self, original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        """Hook of `tf.gradients`, which is called in graphs only."""
        if self._current is not None:
            sources = args[1] if len(args) > 1 else kwargs.get("xs")
            self._watch.guard.run("loop:gradient", self._took_gradient, self._current, sources)
        return original(*args, **kwargs)

    def gradient(
        self, original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        """Hook of `tf.GradientTape.gradient`."""
        if self._watch.in_fit > 0:
            return original(*args, **kwargs)
        guard = self._watch.guard
        # `original` is bound to the tape: the target is the first argument.
        sources = args[1] if len(args) > 1 else kwargs.get("sources")
        if self._current is not None:
            guard.run("loop:gradient", self._took_gradient, self._current, sources)
            return original(*args, **kwargs)
        if self._off:
            return original(*args, **kwargs)
        trainer = guard.run("loop:gradient", self._eager_trainer, sources)
        if trainer is None:
            return original(*args, **kwargs)
        self._inside = True
        try:
            if trainer.trains:
                guard.run("loop:before", self._before, trainer, ())
            t_enter = time.perf_counter()
            result = original(*args, **kwargs)
            guard.run("loop:after", self._after, trainer, t_enter, time.perf_counter(), ())
            return result
        finally:
            self._inside = False

    def assigned(self, variable: Any) -> None:
        """A variable is assigned to."""
        if self._watch.in_fit > 0:
            return
        self._watch.guard.run("loop:assign", self._assigned, variable)

    def applied(self, optimizer: Any) -> None:
        """Keras' optimizer applies gradients; while tracing, its count of steps is noted."""
        trainer = self._current
        if trainer is None or self._watch.in_fit > 0 or optimizer in trainer.optimizers:
            return
        with self._tf.init_scope():
            count = optimizer_steps(self._tf, optimizer)
        if count is not None:
            trainer.optimizers[optimizer] = count

    def runs_in(self, strategy: Any) -> None:
        """`strategy.run` is called: by the function that is being traced, or eagerly."""
        if self._watch.in_fit > 0:
            return
        if self._current is not None:
            self._current.strategy = strategy
        elif not self._off:
            self._strategy = strategy

    def interrupted(self) -> None:
        """`evaluate`, `predict` or a `fit` runs: the step that is open has ended before it."""
        if self._loop is not None and not self._inside:
            self._loop.interrupted = True

    def flush(self) -> None:
        """The script ends, or a `fit` begins: the loop is over."""
        loop, self._loop = self._loop, None
        self._pending.clear()
        self._fetched.clear()
        if loop is not None:
            loop.end()

    # Fetches.

    def _fetch(self, iterator: Any, original: Callable[[], Any]) -> Any:
        if self._off:
            return original()
        self._inside = True
        try:
            held = self._watch.guard.run("loop:fetch", self._before_fetch, iterator)
            return original() if held is None else held.get_next()
        finally:
            self._inside = False

    def _before_fetch(self, iterator: Any) -> Any:
        """The iterator to ask instead, or None."""
        loop, now = self._loop, time.perf_counter()
        if loop is None or not loop.fetches_from(iterator):
            known = [f for f in self._fetched if f.iterator is not iterator]
            self._fetched = [*known[-_MOST_FETCHED:], Fetched.of(iterator, now)]
            return None
        use = loop.next_batch(iterator, now, others=self._taken())
        return use.iterator

    def _taken(self) -> list[Fetched]:
        taken, self._fetched = self._fetched, []
        return [f for f in taken if f.thread == threading.get_ident()]

    # Training calls.

    def _before(self, trainer: Trainer, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """A call of something that trains begins; its arguments, where one was exchanged."""
        loop = self._loop
        if loop is None or not loop.takes(trainer):
            return None  # noted when the call has ended, as the first of a new loop
        position, iterator = self._iterator_in(args)
        use = loop.next_call(trainer, iterator, others=self._taken())
        if use is None or use.iterator is None or iterator is None:
            return None
        exchanged = list(args)
        exchanged[position] = use.iterator
        return tuple(exchanged)

    def _after(
        self, trainer: Trainer, t_enter: float, t_exit: float, args: tuple[Any, ...]
    ) -> None:
        loop = self._loop
        if trainer.trains and loop is not None and loop.takes(trainer):
            loop.called(trainer, t_enter, t_exit)
            return
        if trainer.trains or trainer.conclude():
            self._begin(trainer, [(t_enter, t_exit)], args, self._site())
        elif trainer.sources:
            pending = self._pending.setdefault(trainer, Pending([], self._site()))
            del pending.calls[:-_MOST_PENDING]
            pending.calls.append((t_enter, t_exit))
        elif trainer.assigned:
            self._confirm(trainer.assigned)

    def _site(self) -> dict[str, Any] | None:
        return call_site(caller())

    def _begin(
        self, trainer: Trainer, calls: list[tuple[float, float]], args: tuple[Any, ...],
        site: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        """The first calls that are known to train: they join the loop, or begin one."""
        others = self._taken()
        loop = self._loop
        if loop is None or not loop.joins(trainer):
            if loop is not None:
                loop.end()
            _, source = self._iterator_in(args)
            if source is None:
                source = next((a for a in args if self.iterators.is_dataset(a)), None)
            loop = self._loop = Loop(
                self._tf, self._watch, trainer, self.iterators, others, source, site
            )
        for t_enter, t_exit in calls:
            loop.first_call(trainer, t_enter, t_exit)

    def _confirm(self, assigned: set[int]) -> None:
        """What took the gradients of these variables trains: they are applied now."""
        for trainer, pending in list(self._pending.items()):
            if not trainer.sources.isdisjoint(assigned):
                del self._pending[trainer]
                trainer.trains = True
                self._begin(trainer, pending.calls, (), pending.site)

    def _iterator_in(self, args: tuple[Any, ...]) -> tuple[int, Any]:
        """The position and the iterator among the arguments; (-1, None) where there is none."""
        for position, value in enumerate(args):
            if self.iterators.is_iterator(value):
                return position, value
        return -1, None

    def _took_gradient(self, trainer: Trainer, sources: Any) -> None:
        ids = source_ids(self._tf, sources)
        if not ids:
            return
        trainer.sources.update(ids)
        if not self._tf.executing_eagerly():
            graph = self._tf.compat.v1.get_default_graph()
            trainer.note_graph(graph)
            trainer.loops = trainer.loops or loops_inside(graph)

    def _eager_trainer(self, sources: Any) -> Trainer | None:
        ids = source_ids(self._tf, sources)
        return self._trainers.of_variables(ids) if ids else None

    def _assigned(self, variable: Any) -> None:
        if self._current is not None:
            self._current.assigned.update(variable_ids(self._tf, variable))
            return
        if self._off:
            return
        if self._pending:
            self._confirm(variable_ids(self._tf, variable))
        if self._loop is not None:
            self._loop.assigns()


_loops: Loops | None = None


def watch(tf: ModuleType, watch: Watch) -> None:
    """Hook compiled functions, gradients, assignments and iterators."""
    global _loops
    loops = _loops = Loops(tf, watch)

    def function(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return loops.call(instance, "function", original, args, kwargs)

    def run(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        watch.guard.run("loop:strategy", loops.runs_in, instance)
        thing = args[0] if args else kwargs.get("fn")
        thing = getattr(thing, "__code__", thing)  # a lambda is made anew for each call
        return loops.call(thing, "strategy.run", original, args, kwargs)

    patch(type(tf.function(_nothing)), "__call__", function)
    patch(tf.distribute.Strategy, "run", run)
    patch(tf.GradientTape, "gradient", loops.gradient)
    patch(tf, "gradients", loops.symbolic_gradient)
    watch_variables(tf, loops.assigned)
    loops.iterators.watch()


def watch_keras(keras: ModuleType, watch: Watch) -> None:
    """Hook what of Keras is called in loops: `train_on_batch`, `evaluate`, the optimizers."""
    loops = _loops
    if loops is None:
        return

    def train_on_batch(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return loops.call(instance, "train_on_batch", original, args, kwargs)

    def interrupts(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        watch.guard.run("loop:interrupted", loops.interrupted)
        return original(*args, **kwargs)

    def apply(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        watch.guard.run("loop:optimizer", loops.applied, instance)
        return original(*args, **kwargs)

    patch(keras.Model, "train_on_batch", train_on_batch)
    for name in ("evaluate", "predict"):
        patch(keras.Model, name, interrupts)
    patch(keras.optimizers.Optimizer, "apply", apply)


def end() -> None:
    """The loop that runs is over."""
    if _loops is not None:
        _loops.flush()


def _nothing() -> None:
    """A function to compile, for its class."""
