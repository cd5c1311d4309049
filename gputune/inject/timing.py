"""The steps of one `fit`, timed from inside a plain process until they are steady: no more.

For `gputune.keras.ProfileCallback`: no hook, no session, nothing left behind once it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gputune.inject import steadiness
from gputune.inject.guard import Guard

WARMUP_CALLS = 2
"""As in a profile: the first call traces and compiles, the second may trace again."""
HOOK = "callback:step"


@dataclass
class Timed:
    """What was seen; times in seconds of `time.perf_counter()`.

    `calls` are the durations of the clean calls, from the end of one to the end of the next, the
    first of an epoch left out (it waits for a new iterator).
    """

    warmup_calls: int = 0
    warmup_s: float = 0.0
    calls: list[float] = field(default_factory=list)
    windows: list[steadiness.Window] = field(default_factory=list)
    samples_of_first_call: int | None = None
    all_calls: int = 0

    @property
    def steady(self) -> steadiness.Steady:
        """Whether the step time had settled."""
        return steadiness.judge(self.windows)


class Timing:
    """Stands around a model's train function until it knows enough, and puts it back then.

    `synchronise` waits for the devices, at the ends of windows only; `samples` says how many
    samples the model has been given in this epoch; `done` is called once, when enough is known.
    """

    def __init__(
        self, model: Any, guard: Guard, *, max_s: float, synchronise: Callable[[], Any] | None,
        samples: Callable[[], int | None], done: Callable[[], None],
    ) -> None:  # fmt: skip
        self.timed = Timed()
        self._model = model
        self._guard = guard
        self._max_s = max_s
        self._synchronise = synchronise
        self._samples = samples
        self._done: Callable[[], None] | None = done
        self._original: Any = None
        self._ours: Any = None
        self._previous: float | None = None
        self._began: float | None = None
        self._window_s, self._window_calls = 0.0, 0

    def begin(self) -> None:
        """Stand around the train function."""
        clock, guard = time.perf_counter, self._guard
        original = self._original = self._model.train_function

        def train_function(iterator: Any) -> Any:
            entered = clock()
            result = original(iterator)
            guard.run(HOOK, self._after, entered, clock())
            return result

        train_function.__wrapped__ = original  # type: ignore[attr-defined]
        self._ours = self._model.train_function = train_function

    def epoch_begins(self) -> None:
        """The next call waits for a new iterator."""
        self._previous = None

    def end(self) -> None:
        """Put the function back, and say what was seen, if nobody has yet."""
        if self._ours is not None and self._model.train_function is self._ours:
            self._model.train_function = self._original
        self._ours = None
        done, self._done = self._done, None
        if done is not None:
            done()

    def _after(self, entered: float, left: float) -> None:
        if self._done is None:
            return
        timed = self.timed
        timed.all_calls += 1
        if timed.warmup_calls < WARMUP_CALLS:
            timed.warmup_calls += 1
            timed.warmup_s += left - entered
            if timed.warmup_calls == 1:
                timed.samples_of_first_call = self._samples()
            if timed.warmup_calls == WARMUP_CALLS and self._synchronise is not None:
                self._synchronise()
            self._previous = time.perf_counter()
            return
        self._clean(left)

    def _clean(self, left: float) -> None:
        if self._began is None:
            self._began = left
        previous, self._previous = self._previous, left
        if previous is None:
            return
        duration = left - previous
        calls, in_window = self.timed.calls, self._window_calls + 1
        if steadiness.window_is_full(self._window_s + duration, in_window):
            if self._synchronise is not None:
                self._synchronise()
                self._previous = time.perf_counter()
                duration = self._previous - previous
            length = self._window_s + duration
            calls.append(duration)
            self.timed.windows.append(
                steadiness.Window(self._previous - length, length, in_window)
            )  # fmt: skip
            self._window_s, self._window_calls = 0.0, 0
            if self.timed.steady.steady or self._previous - self._began >= self._max_s:
                self.end()
            return
        calls.append(duration)
        self._window_s, self._window_calls = self._window_s + duration, in_window
