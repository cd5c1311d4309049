"""TensorFlow's profiler around a few steps, without taking it from the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.patching import patch

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

STEP_NAME = "gputune_step"
"""The name of the annotation around each traced call; the trace reader looks for it."""


class Profiler:
    """One profiler session of ours at a time; the user's own always goes first."""

    def __init__(self, tf: ModuleType) -> None:
        self._tf = tf
        self._original_start = tf.profiler.experimental.start
        self.active = False
        self.taken_by_user = False

    def start(self, logdir: Path) -> None:
        """Start tracing into `logdir`; raises where another profiler session is running."""
        self._original_start(str(logdir))
        self.active = True

    def stop(self) -> None:
        """End the trace and write it; nothing where the user has ended it."""
        if self.active:
            self.active = False
            self._tf.profiler.experimental.stop()

    def abandon(self) -> None:
        """End our trace without keeping it: the user's script wants the profiler."""
        if self.active:
            self.active = False
            self.taken_by_user = True
            self._tf.profiler.experimental.stop(save=False)

    def annotation(self, number: int) -> Any:
        """A context that marks one call in the trace."""
        return self._tf.profiler.experimental.Trace(STEP_NAME, step_num=number)


def watch(tf: ModuleType, watch: Watch) -> None:
    """Let the user's own `profiler.start` find the profiler free."""
    watch.profiler = Profiler(tf)
    profiler = watch.profiler

    def give_way(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        watch.guard.run("profiler", profiler.abandon)
        return original(*args, **kwargs)

    patch(tf.profiler.experimental, "start", give_way)
    patch(tf.profiler.experimental.Profile, "__enter__", give_way)
