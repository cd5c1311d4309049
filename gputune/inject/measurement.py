"""The phases of a measurement, in order, as one generator that orders each call of the step.

    warm-up -> clean -> traced steps -> held and real blocks in turn -> drain -> stop

Each `yield Use(...)` says what the next call of the train function is for and resumes with the
call that has just ended. Under `--full` the blocks, the drain and the stop are left out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from statistics import fmean, median
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject import iterator_model, steadiness
from gputune.inject.drain import Drained, empty_buffers, measure_rate
from gputune.inject.held import CannotHold, hold
from gputune.inject.stepper import Call, Plan, Stepper, Use
from gputune.inject.stop import stop_script
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

WARMUP_CALLS = 2
"""The first call traces and compiles, the second may trace again (an unknown batch dimension)."""
BLOCK_S = 0.8
BLOCK_CALLS = 4
LONGEST_BLOCK_S = 2.0
FEWEST_PAIRS = 4
MOST_PAIRS = 10
PAIRS_BUDGET_S = 20.0
PAIRS_FRACTION = 0.01
"""Enough pairs once the mean difference is known within ±1 % of a step."""
SETTLE_CALLS = 2
MOST_SETTLE_CALLS = 32
SETTLED_FRACTION = 0.8
MOST_EMPTIED = 4096
EMPTY_FRACTION = 0.85
"""Buffers are empty once a batch takes this share of a step: one that is half ready takes less."""
LONGEST_SETTLE_S = 3.0
TRACE_BUDGET_S = 4.0
FEWEST_TRACE_CALLS = 3
SHORT_RUN_SHARE = 0.45
"""Of a training that is known to end soon, the clean phase takes this share."""
UNKNOWN_LENGTH_S = 8.0
"""The clean phase of a single epoch of unknown length: it may end at any time."""


class TrainingEnds(Exception):
    """The next call is the last one of the fit: what is still missing cannot be had."""


class Measurement:
    """One measurement of one `fit`."""

    def __init__(
        self, watch: Watch, tf: ModuleType, stepper: Stepper, *, epochs: int | None,
        total_calls: int | None, own_profiler: str | None,
    ) -> None:  # fmt: skip
        self._watch = watch
        self._tf = tf
        self._stepper = stepper
        self._epochs = epochs
        self._total_calls = total_calls
        self._own_profiler = own_profiler
        self._clean_call_s = math.nan
        self._held: Any = None
        self._most = math.inf
        self._block_phase = ""
        self.traced = False
        """Whether the fit has been traced: one trace is enough for a script."""

    def plan(self) -> Plan:
        """All phases, one after another."""
        yield from self._clean()
        if self._watch.options.full:
            yield from self._trace()
            self._phase("after")
            return
        try:
            # Traced while the input runs as in training: the blocks fill and empty its buffers.
            yield from self._trace()
            yield from self._alternate()
        except TrainingEnds:
            pass
        self._drain()
        stop_script(self._watch)

    def fit_has_ended(self) -> None:
        """The fit ended amid the held blocks: the script must not go on with such a model."""
        if self._stepper.tampered and not self._watch.options.full:
            self._drain()
            stop_script(self._watch)

    # Warm-up and clean: only a clock.

    def _clean(self) -> Plan:
        self._phase(events.WARMUP)
        for _ in range(WARMUP_CALLS):
            yield Use(events.WARMUP)
        self._phase(events.CLEAN)
        self._model("begin")
        began = time.perf_counter()
        windows: list[steadiness.Window] = []
        calls = window_calls = 0
        window_s = 0.0
        steady = False
        while True:
            call = yield Use(events.CLEAN)
            calls += 1
            duration = None if call is None else _duration(call, self._stepper)
            if call is not None and duration is not None:
                window_s += duration
                window_calls += 1
                if steadiness.window_is_full(window_s, window_calls):
                    windows.append(steadiness.Window(call.t_end - window_s, window_s, window_calls))
                    window_s, window_calls = 0.0, 0
                    steady = steadiness.judge(windows).steady
                    if len(windows) == steadiness.MINIMUM_WINDOWS:
                        # Once, so that a script that ends by itself leaves one.
                        self._model("end")
            if self._is_enough(steady, calls, time.perf_counter() - began):
                self._model("end")
                self._end_clean(steadiness.judge(windows), windows)
                return

    def _is_enough(self, steady: bool, calls: int, elapsed_s: float) -> bool:
        options = self._watch.options
        if elapsed_s >= options.max_s:
            return True
        if options.steps is not None and calls * self._stepper.steps_per_call >= options.steps:
            return True
        if options.steps is None and steady:
            return True
        if options.full:
            return False
        total = self._total()
        if total is None:
            return self._epochs == 1 and elapsed_s >= UNKNOWN_LENGTH_S
        return calls >= SHORT_RUN_SHARE * total

    def _end_clean(self, verdict: steadiness.Steady, windows: list[steadiness.Window]) -> None:
        since = verdict.since_s
        kept = [w for w in windows if since is None or w.start_s >= since] or windows
        self._clean_call_s = median(w.call_s for w in kept) if kept else math.nan
        self._watch.log.write(
            events.CLEAN_END, fit=self._stepper.fit, t=time.perf_counter(), since=since,
            stable=verdict.steady, reason=verdict.reason,
        )  # fmt: skip

    # Held and real blocks in turn: the compute ceiling, and the wait for input.

    def _alternate(self) -> Plan:
        self._phase(events.HELD)
        held = yield from self._hold()
        if held is None:
            return
        self._held = held
        self._most = self._most_block_calls()
        began = time.perf_counter()
        ratios: list[float] = []
        held_first = True
        for block in range(MOST_PAIRS):
            times: dict[str, float] = {}
            order = (events.HELD, events.REAL) if held_first else (events.REAL, events.HELD)
            for phase in order:
                times[phase] = yield from self._block(phase, block)
            held_first = not held_first
            ratios.append(math.log(times[events.HELD] / times[events.REAL]))
            known = steadiness.half_width_95(ratios) <= PAIRS_FRACTION
            spent_s = time.perf_counter() - began
            if len(ratios) >= FEWEST_PAIRS and (known or spent_s > PAIRS_BUDGET_S):
                return
            if len(ratios) >= 2 and spent_s > 2 * PAIRS_BUDGET_S:
                return

    def _calls_left(self) -> float:
        """How many calls the training still makes; infinite where that is unknown."""
        total = self._total()
        return math.inf if total is None else max(total - self._stepper.calls, 0)

    def _total(self) -> int | None:
        """The calls of the whole fit: told by Keras, or from the length of the last epoch."""
        if self._total_calls is not None:
            return self._total_calls
        if self._epochs is None or not self._stepper.calls_in_last_epoch:
            return None
        return self._epochs * self._stepper.calls_in_last_epoch

    def _most_block_calls(self) -> float:
        """So many that the fewest pairs still fit into what is left."""
        return max(self._calls_left() / (2 * FEWEST_PAIRS) - 2 * SETTLE_CALLS, 2)

    def _check_end(self) -> None:
        if self._calls_left() <= 1:
            raise TrainingEnds

    def _hold(self) -> Generator[Use, Call | None, Any]:
        """The endless iterator over one batch of the script's own, or None with the reason."""
        while True:
            try:
                element = self._stepper.iterator.get_next()
                self._stepper.tampered = True
                self._stepper.surplus -= 1
                if self._stepper.calls_in_last_epoch != 1:
                    # A batch that another one follows is no short last one of the epoch.
                    self._stepper.iterator.get_next()
                    self._stepper.surplus -= 1
                break
            except (StopIteration, self._tf.errors.OutOfRangeError):
                # The epoch is over: the next call ends it, and the one after has a new iterator.
                self._check_end()
                yield Use(events.SETTLE)
        try:
            held = hold(self._tf, self._stepper.iterator, element)
        except CannotHold as reason:
            self._unavailable("input_wait_s", str(reason))
            return None
        flat = self._tf.nest.flatten(element, expand_composites=True)
        self._watch.log.write(
            events.HELD_BATCH, fit=self._stepper.fit,
            batch_size=self._batch_size(element),
            bytes=sum(int(t.shape.num_elements() or 0) * t.dtype.size for t in flat),
        )  # fmt: skip
        return held

    def _batch_size(self, element: Any) -> int | None:
        """The first dimension of the first component that has one."""
        for part in self._tf.nest.flatten(element):
            if isinstance(part, self._tf.RaggedTensor):
                return int(part.nrows())
            if isinstance(part, self._tf.SparseTensor):
                return int(part.dense_shape[0])
            if part.shape.rank:
                return int(part.shape[0])
        return None

    def _block(self, phase: str, block: int) -> Generator[Use, Call | None, float]:
        """One block of calls after the switch has settled; its mean seconds per call."""
        iterator = self._held if phase == events.HELD else None
        most = self._most
        if phase != self._block_phase:
            # The order is H R R H H R …: half of the blocks follow one of their own kind. Each
            # switch fills and empties the buffers, and an AUTOTUNE buffer grows by that.
            self._block_phase = phase
            if phase == events.HELD:
                self._settle_held()
            else:
                yield from self._settle_real(block)
        times: list[float] = []
        length_s = min(max(BLOCK_S, BLOCK_CALLS * self._clean_call_s), LONGEST_BLOCK_S)
        while len(times) < 2 or (sum(times) < length_s and len(times) < most):
            self._check_end()
            call = yield Use(phase, block, iterator)
            duration = None if call is None else _duration(call, self._stepper)
            if duration is not None:
                times.append(duration)
        return fmean(times)

    def _settle_held(self) -> None:
        """Until the script's pipeline has filled its buffers and rests: it takes cores, too.

        These calls are made aside, so that they use up none of the training's own steps.
        """
        began = time.perf_counter()
        quiet_s = max(0.1, 2.5 * self._clean_call_s)
        last, since = self._buffered(), began
        calls = 0
        while True:
            self._stepper.call_aside(self._held)
            calls += 1
            now = time.perf_counter()
            level = self._buffered()
            if level != last:
                last, since = level, now
            rested = now - since >= (quiet_s if level is not None else LONGEST_SETTLE_S)
            if calls >= SETTLE_CALLS and (rested or now - began >= LONGEST_SETTLE_S):
                break
        self._stepper.restart_clock()

    def _settle_real(self, block: int) -> Plan:
        """Until the buffers that filled during the held block are as empty as in training.

        Batches are taken aside, as many as Keras has counted on held steps and the iterator still
        has; where buffers hold more, real calls that are faster than training empty them.
        """
        if self._stepper.calls_in_epoch and self._stepper.surplus > 0:
            budget = min(self._stepper.surplus, MOST_EMPTIED)
            taken = empty_buffers(self._stepper.iterator, budget, EMPTY_FRACTION * self._step_s)
            self._stepper.surplus -= taken
            self._stepper.restart_clock()
        for number in range(MOST_SETTLE_CALLS):
            self._check_end()
            call = yield Use(events.SETTLE, block)
            took = None if call is None else call.duration_s
            slow = took is not None and took >= SETTLED_FRACTION * self._clean_call_s
            if number + 1 >= SETTLE_CALLS and (slow or self._calls_left() < self._most):
                return

    @property
    def _step_s(self) -> float:
        return self._clean_call_s / self._stepper.steps_per_call

    # Trace: where the time is, by name; its sums do not measure.

    def _trace(self) -> Plan:
        profiler = self._watch.profiler
        if profiler is None:
            self._unavailable("trace", "gputune's hook on TensorFlow's profiler failed")
            return
        if self._own_profiler is not None and self._watch.options.full:
            self._unavailable("trace", self._own_profiler)
            return
        # The trace is of training as it runs: past the first call of an epoch.
        for _ in range(1 + SETTLE_CALLS):
            yield Use(events.SETTLE)
        folder = self._watch.folder.trace / str(self._stepper.fit)
        try:
            profiler.start(folder)
        except Exception as error:  # TensorFlow raises several kinds here
            self._unavailable("trace", f"the profiler did not start: {str(error)[:200]}")
            return
        self._phase(events.TRACED)
        began = time.perf_counter()
        try:
            most = max(FEWEST_TRACE_CALLS, self._watch.options.trace_steps)
            for number in range(most):
                yield Use(events.TRACED, annotate=number)
                late = time.perf_counter() - began > TRACE_BUDGET_S
                if late and number + 1 >= FEWEST_TRACE_CALLS:
                    break
            self._model("trace")
        finally:
            profiler.stop()
        if profiler.taken_by_user:
            self._unavailable("trace", "the script started TensorFlow's profiler itself")
            return
        self._watch.log.write(
            events.TRACE, fit=self._stepper.fit, logdir=str(folder)
        )  # fmt: skip
        self.traced = True
        self._stepper.restart_clock()

    # Drain: the live iterator alone.

    def _drain(self) -> None:
        self._phase("drain")
        drained = measure_rate(self._stepper.iterator, self._step_s)
        if isinstance(drained, Drained):
            self._watch.log.write(
                events.DRAIN, fit=self._stepper.fit, t=time.perf_counter(),
                batches=drained.batches, duration_s=drained.duration_s,
                first_batches=drained.first_batches,
            )  # fmt: skip
        else:
            self._unavailable("ceilings.input_samples_per_s", drained)

    # Small things.

    def _buffered(self) -> float | None:
        try:
            return iterator_model.buffered(iterator_model.read(self._tf, self._stepper.iterator))
        except Exception:  # no model: NotFoundError, ValueError, by the kind of iterator
            return None

    def _model(self, phase: str) -> None:
        """Keep the iterator's model as it is now; the last one of a phase counts."""
        try:
            nodes = iterator_model.read(self._tf, self._stepper.iterator)
        except Exception as error:  # NotFoundError or ValueError, by the kind of iterator
            if phase == "begin":
                self._unavailable(
                    "pipeline.model", f"tf.data keeps no model of this input: {str(error)[:120]}"
                )
            return
        self._watch.log.write(
            events.MODEL, fit=self._stepper.fit, phase=phase, t=time.perf_counter(),
            iterator=id(self._stepper.iterator), nodes=nodes,
        )  # fmt: skip

    def _phase(self, name: str) -> None:
        self._watch.log.write(events.PHASE, fit=self._stepper.fit, name=name, t=time.perf_counter())

    def _unavailable(self, metric: str, reason: str) -> None:
        self._watch.log.write(
            events.UNAVAILABLE, fit=self._stepper.fit, metric=metric, reason=reason
        )


def _duration(call: Call, stepper: Stepper) -> float | None:
    """The call's duration for the averages; the first of an epoch only where epochs are short.

    The first call of an epoch waits for a new iterator. Where an epoch has but a few calls, that
    is how this training runs, and there is no other figure.
    """
    if call.duration_s is not None:
        return call.duration_s
    if stepper.short_epochs:
        return call.t_end - call.t_enter
    return None
