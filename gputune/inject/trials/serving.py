"""The `fit` that became a server: it trains once for each order, until there are no more."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.described import input_kind, strategy
from gputune.inject.edits.passing import argument, with_argument
from gputune.inject.stop import stop_script
from gputune.inject.trials.over import TrialOver
from gputune.inject.trials.state import State, build
from gputune.inject.trials.validation import shortened
from gputune.session import events
from gputune.session.control import Asked
from gputune.session.folder import setting_of

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

Train = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""The script's `fit` with these arguments, under gputune's hooks."""


class Serving:
    """Serves one `fit` of the script; `train` runs it, measured."""

    def __init__(self, keras: ModuleType, tf: ModuleType, watch: Watch) -> None:
        self._keras = keras
        self._tf = tf
        self._watch = watch
        self._signature = inspect.signature(keras.Model.fit)

    def serve(
        self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], train: Train
    ) -> None:
        """Answer orders until there are no more, then end the script. Never returns.

        Says first whether it can; the parent then takes new processes where it cannot.
        """
        watch = self._watch
        number = watch.options.control_fd
        why = watch.guard.run("trial:serve", self._why_not, model, args, kwargs)
        state = None
        if why == "":
            state = watch.guard.run("trial:state", State, self._keras, self._tf, model)
        if state is None or number is None:
            reason = why or "gputune's hook failed"
            watch.log.write(events.RESIDENT, t=time.perf_counter(), reason=reason)
            stop_script(watch)
        watch.serving = True
        # What the imports and the script have made stays: looking through it after each trial
        # would take longer than all the rest between two trials.
        gc.collect()
        gc.freeze()
        watch.log.write(events.RESIDENT, t=time.perf_counter(), reason="")
        asked = Asked(number)
        while (order := asked.next()) is not None:
            if not self._one(order, state, model, args, kwargs, train):
                break
        stop_script(watch)

    def _why_not(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Why this training cannot be made again in the same process; nothing where it can."""
        tf = self._tf
        if self._watch.edits is None:
            return "no edits can be made in this process"
        used = strategy(getattr(model, "distribute_strategy", None))["strategy"]
        if used is not None:
            return f"it is distributed ({used})"
        x = argument(self._signature, args, kwargs, "x")
        kind = input_kind(tf, self._keras, x)
        inputs = None
        if kind == "tf.data":
            recorder = self._watch.recorder
            why = recorder.why_not_again(x) if recorder is not None else "no call was recorded"
            if why:
                return f"its pipeline cannot be made again: {why}"
            spec = x.element_spec
            inputs = spec[0] if isinstance(spec, tuple) and spec else spec
        elif kind == "arrays":
            shape = getattr(x, "shape", None)
            if shape is not None:
                inputs = tf.TensorSpec((None, *shape[1:]), x.dtype)
        else:
            return f"it is fed by a {kind}"
        return build(self._keras, tf, model, inputs)

    def _one(
        self, order: dict[str, Any], state: State, model: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any], train: Train,
    ) -> bool:  # fmt: skip
        """One trial; whether the process may serve another one."""
        watch = self._watch
        settings = tuple(setting_of(one) for one in order["settings"])
        watch.options = replace(
            watch.options, fit=None, settings=settings, max_s=float(order["max_s"]),
            warm_epochs=int(order["warm_epochs"]),
            incumbent_samples_per_s=order["incumbent_samples_per_s"],
        )  # fmt: skip
        watch.log.write(events.TRIAL_BEGIN, trial=order["trial"], t=time.perf_counter())
        error = ""
        try:
            self._train(state, model, args, kwargs, train)
        except TrialOver:
            pass
        except BaseException as raised:  # out of memory, the script's own: told, and the last
            error = f"{type(raised).__name__}: {raised}"[:2000]
            raised.__traceback__ = None
        watch.guard.run("trial:after", self._clean_up)
        watch.log.write(
            events.TRIAL_END, trial=order["trial"], t=time.perf_counter(), error=error,
            threads=threading.active_count(), rss_bytes=_rss_bytes(),
        )  # fmt: skip
        watch.flush()
        return not error

    def _train(
        self, state: State, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], train: Train
    ) -> None:
        edits = self._watch.edits
        assert edits is not None  # `_why_not` has looked
        changed = edits.put(self._watch.options.settings)
        state.put_back(changed)
        x = argument(self._signature, args, kwargs, "x")
        if hasattr(x, "element_spec"):
            args, kwargs = with_argument(
                self._signature, args, kwargs, "x", edits.made_again(x)
            )  # fmt: skip
        args, kwargs = edits.of_fit(args, kwargs)
        args, kwargs = shortened(self._tf, self._signature, args, kwargs)
        x = argument(self._signature, args, kwargs, "x")
        size = argument(self._signature, args, kwargs, "batch_size")
        state.take_function(f"{getattr(x, 'element_spec', '')} {size}")
        self._reset_memory()
        try:
            train(args, kwargs)
        finally:
            state.keep_function()

    def _reset_memory(self) -> None:
        for number, _ in enumerate(self._tf.config.list_logical_devices("GPU")):
            self._tf.config.experimental.reset_memory_stats(f"GPU:{number}")

    def _clean_up(self) -> None:
        """Nothing may hold the trial's iterator, whose threads end with it."""
        gc.collect()
        sys.stdout.flush()


def _rss_bytes() -> int | None:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        import os

        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
