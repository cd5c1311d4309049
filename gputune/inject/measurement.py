"""The phases of a measurement, in order, as one generator that orders each call of the step.

    warm-up -> clean -> traced steps -> held and real blocks in turn -> drain -> stop

Each `yield Use(...)` says what the next call of the train function is for and resumes with the
call that has just ended. Under `--full` the blocks, the drain and the stop are left out.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from statistics import median
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from gputune.inject import compute, element, repeats, steadiness
from gputune.inject.blocks import Blocks
from gputune.inject.compute import Trained
from gputune.inject.device_memory import DeviceMemory
from gputune.inject.drain import Drained, drain_s, measure_rate
from gputune.inject.early import cannot_win
from gputune.inject.length import Length, TrainingEnds
from gputune.inject.record import Record
from gputune.inject.stepper import Plan, Stepper, Use
from gputune.inject.stop import stop_script
from gputune.inject.trials.over import TrialOver
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.checking import Checking
    from gputune.inject.watch import Watch

WARMUP_CALLS = 2
"""The first call traces and compiles, the second may trace again (an unknown batch dimension)."""
SETTLE_CALLS = 2
TRACE_BUDGET_S = 4.0
FEWEST_TRACE_CALLS = 3
SHORT_RUN_SHARE = 0.45
"""Of a training that is known to end soon, the clean phase takes this share."""
UNKNOWN_LENGTH_S = 8.0
"""The clean phase of a single epoch of unknown length: it may end at any time."""
LONGEST_FILL_S = 60.0
"""Of a trial: whose first epoch takes longer says nothing about a cache."""
_FAILED = "gputune's hook on the training step failed"


class Measurement:
    """One measurement of one `fit`."""

    def __init__(
        self, watch: Watch, tf: ModuleType, stepper: Stepper, *, epochs: int | None,
        total_calls: int | None, own_profiler: str | None, dataset: int | None,
        trained: Callable[[], Trained], cannot_hold: str = "",
        loss: Callable[[], float | None] | None = None,
    ) -> None:  # fmt: skip
        self._watch = watch
        self._tf = tf
        self._stepper = stepper
        self._length = Length(stepper, epochs=epochs, total_calls=total_calls)
        self._record = Record(watch.log, tf, stepper)
        self._own_profiler = own_profiler
        self._dataset = dataset
        """The id of the call that made the dataset which the training is given."""
        self._cannot_hold = cannot_hold
        """Why no batch can be held, where that is known before."""
        self._trained = trained
        """What a step is made of, asked for once it has been traced."""
        self._loss = loss
        """The loss that training has come to; None where nobody knows it."""
        self._said_loss = False
        self._memory = DeviceMemory(tf, self._record, may_reset=not watch.options.full)
        self._blocks: Blocks | None = None
        self._first_call_s: float | None = None
        self._spec: Any = None
        """The element spec of the iterator, None without one."""
        self._seen_clean = self._counted = False
        self._clean_call_s = math.nan
        self.traced = False
        """Whether the fit has been traced: one trace is enough for a script."""

    def plan(self) -> Plan:
        """All phases, one after another."""
        if self._watch.checking is not None:
            yield from self._check(self._watch.checking)
            return
        if self._watch.options.trial:
            yield from self._trial()
            return
        yield from self._clean()
        if self._watch.options.full:
            yield from self._trace()
            self._look()
            self._stepper.restart_clock()
            self._record.phase("after")
            return
        try:
            # Traced while the input runs as in training: the blocks fill and empty its buffers.
            yield from self._trace()
            self._blocks = Blocks(
                self._tf, self._stepper, self._record, self._length, self._clean_call_s,
                budget_s=self._watch.options.max_s, cannot_hold=self._cannot_hold,
            )  # fmt: skip
            yield from self._blocks.alternate()
        except TrainingEnds:
            pass
        yield from self._to_an_epoch_worth_draining()
        self._finish()

    def fit_has_ended(self) -> None:
        """The fit ended amid the held blocks: the script must not go on with such a model.

        Where it ended earlier, what it computed is looked up now: once in a script, since a
        script may call `fit` a thousand times.
        """
        if self._stepper.tampered and not self._watch.options.full:
            self._finish()
        self.look_at_the_end()

    def look_at_the_end(self) -> None:
        """Read what was traced for the steps of a training that is over, where nobody did yet."""
        if self._watch.options.trial:
            self._say_loss()
        elif self._seen_clean and not self._counted and not self._watch.counted:
            self._look()

    def _check(self, checking: Checking) -> Plan:
        """`gputune check`: some tens of steps of a loop; the checks end a `fit` themselves."""
        self._record.phase(events.WARMUP)
        while True:
            yield Use(events.WARMUP)
            steps = self._stepper.calls * self._stepper.steps_per_call
            if checking.enough(steps, self._stepper.iterator):
                checking.finish()
                stop_script(self._watch)

    def _trial(self) -> Plan:
        """A trial: the clean phase, or as many steps as the guard asks for; then the loss."""
        wanted = self._watch.options.loss_after_steps
        if wanted is None:
            yield from self._clean()
        else:
            self._record.phase(events.WARMUP)
            while self._stepper.calls * self._stepper.steps_per_call < wanted:
                yield Use(events.WARMUP)
        while not self._stepper.calls_in_epoch:
            yield Use(events.SETTLE)  # Keras has just begun its running mean anew
        self._say_loss()
        self._end_trial()

    def _end_trial(self) -> NoReturn:
        """Leave the fit where the process stays for another trial, else the script."""
        if self._watch.serving:
            self._stepper.flush()
            raise TrialOver
        stop_script(self._watch)

    def _cannot_win(self, windows: list[steadiness.Window]) -> bool:
        """Whether the trial clearly stays below the best so far; says so."""
        incumbent = self._watch.options.incumbent_samples_per_s
        size = self._batch_size()
        if incumbent is None or size is None:
            return False
        per_call = size * self._stepper.steps_per_call
        rates = [per_call / window.call_s for window in windows]
        if not cannot_win(rates, incumbent):
            return False
        self._record.write(
            events.PRUNED, t=time.perf_counter(), samples_per_s=sum(rates) / len(rates)
        )
        return True

    def _batch_size(self) -> int | None:
        """Samples of a batch, by what the iterator gives or by the recorded calls."""
        for spec in self._tf.nest.flatten(self._spec):
            shape = getattr(spec, "shape", None)
            if shape is not None and shape.rank and shape[0] is not None:
                return int(shape[0])
        recorded = element.last_batch_size(self._watch.recorder, self._dataset)
        return self._watch.options.batch_size if recorded is None else recorded

    def _say_loss(self) -> None:
        """A script that does not learn any more is no faster script."""
        if self._said_loss:
            return
        self._said_loss = True
        value = None if self._loss is None else self._watch.guard.run("trial:loss", self._loss)
        self._record.write(
            events.LOSS, t=time.perf_counter(), value=value,
            steps=self._stepper.calls * self._stepper.steps_per_call,
            reason="" if value is not None else "only Keras' fit keeps a running loss",
        )  # fmt: skip

    def _finish(self) -> NoReturn:
        self._drain()
        repeats.look(self._tf, self._watch.recorder, self._record, self._dataset)
        trained = self._look()
        held = self._blocks.held if self._blocks is not None else None
        self._watch.guard.run(
            "batch_memory", functools.partial(
                self._memory.two_sizes, self._stepper, held,
                compiled=trained.compiled, first_call_s=self._first_call_s,
            )
        )  # fmt: skip
        stop_script(self._watch)

    def _look(self) -> Trained:
        """Read what TensorFlow has traced for the step."""
        self._counted = self._watch.counted = True
        trained = self._watch.guard.run("trained", self._trained) or Trained(reason=_FAILED)
        self._watch.guard.run("compute", self._count, trained)
        return trained

    def _count(self, trained: Trained) -> None:
        batches = self._blocks.batches if self._blocks is not None else []
        if not batches:
            size = trained.batch_size or element.last_batch_size(
                self._watch.recorder, self._dataset
            )
            batches = element.assumed(self._tf, self._spec, size)
        compute.look(self._tf, self._record, trained, self._spec, batches)

    def _clean_begins(self) -> None:
        guard = self._watch.guard
        self._seen_clean = True
        self._spec = getattr(self._stepper.iterator, "element_spec", None)
        guard.run(
            "element", element.describe, self._tf, self._record, self._watch.recorder,
            self._spec, self._dataset,
        )  # fmt: skip
        guard.run("device_memory", self._memory.begin)

    def _clean_may_end(self) -> None:
        """Of what changes while training runs the last figures count."""
        self._record.model("end")
        self._watch.guard.run("device_memory", self._memory.read)

    # Warm-up and clean: only a clock.

    def _clean(self) -> Plan:
        self._record.phase(events.WARMUP)
        for number in range(WARMUP_CALLS):
            call = yield Use(events.WARMUP, sync=number + 1 == WARMUP_CALLS)
            if number == 1 and call is not None:
                self._first_call_s = call.t_exit - call.t_enter
        yield from self._fill(self._watch.options.warm_epochs)
        self._record.phase(events.CLEAN)
        self._record.model("begin")
        self._clean_begins()
        began = time.perf_counter()
        windows: list[steadiness.Window] = []
        calls = window_calls = 0
        window_s = 0.0
        steady = False
        while True:
            # The device is waited for at the ends of windows only: in a loop that runs ahead of
            # it single calls are dispatch, and windows are what the device takes.
            closes = steadiness.window_is_full(window_s, window_calls + 1)
            call = yield Use(events.CLEAN, sync=closes)
            calls += 1
            duration = None if call is None else self._stepper.duration_s(call)
            if call is not None and duration is not None:
                window_s += duration
                window_calls += 1
                if closes:
                    windows.append(steadiness.Window(call.t_end - window_s, window_s, window_calls))
                    window_s, window_calls = 0.0, 0
                    if self._cannot_win(windows):
                        self._clean_may_end()
                        self._end_clean(steadiness.judge(windows), windows)
                        return
                    steady = steadiness.judge(windows).steady
                    if len(windows) == steadiness.MINIMUM_WINDOWS:
                        # Once, so that a script that ends by itself leaves one.
                        self._clean_may_end()
            if self._is_enough(steady, calls, time.perf_counter() - began):
                self._clean_may_end()
                self._end_clean(steadiness.judge(windows), windows)
                return

    def _fill(self, epochs: int) -> Plan:
        """Train to the end of so many epochs: what is cached is full then."""
        first, began = self._stepper.epoch, time.perf_counter()
        while self._stepper.epoch < first + epochs:
            if time.perf_counter() - began > LONGEST_FILL_S:
                self._record.unavailable(
                    "steps", f"the first epoch, which fills the cache, takes more than "
                    f"{LONGEST_FILL_S:.0f} s: too long for a trial",
                )  # fmt: skip
                self._end_trial()
            yield Use(events.WARMUP)

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
        total = self._length.calls
        if total is None:
            return self._length.epochs in (1, None) and elapsed_s >= UNKNOWN_LENGTH_S
        return calls >= SHORT_RUN_SHARE * total

    def _end_clean(self, verdict: steadiness.Steady, windows: list[steadiness.Window]) -> None:
        since = verdict.since_s
        kept = [w for w in windows if since is None or w.start_s >= since] or windows
        self._clean_call_s = median(w.call_s for w in kept) if kept else math.nan
        self._record.write(
            events.CLEAN_END, t=time.perf_counter(), since=since,
            stable=verdict.steady, reason=verdict.reason,
        )  # fmt: skip

    # Trace: where the time is, by name; its sums do not measure.

    def _trace(self) -> Plan:
        profiler = self._watch.profiler
        if profiler is None:
            self._record.unavailable("trace", "gputune's hook on TensorFlow's profiler failed")
            return
        if self._own_profiler is not None and self._watch.options.full:
            self._record.unavailable("trace", self._own_profiler)
            return
        # The trace is of training as it runs: past the first call of an epoch.
        for _ in range(1 + SETTLE_CALLS):
            yield Use(events.SETTLE)
        folder = self._watch.folder.trace / str(self._stepper.fit)
        try:
            profiler.start(folder)
        except Exception as error:  # TensorFlow raises several kinds here
            reason = f"the profiler did not start: {str(error)[:200]}"
            self._record.unavailable("trace", reason)
            return
        self._record.phase(events.TRACED)
        began = time.perf_counter()
        try:
            most = max(FEWEST_TRACE_CALLS, self._watch.options.trace_steps)
            for number in range(most):
                yield Use(events.TRACED, annotate=number)
                late = time.perf_counter() - began > TRACE_BUDGET_S
                if late and number + 1 >= FEWEST_TRACE_CALLS:
                    break
            self._record.model("trace")
        finally:
            profiler.stop()
        if profiler.taken_by_user:
            reason = "the script started TensorFlow's profiler itself"
            self._record.unavailable("trace", reason)
            return
        self._record.write(events.TRACE, logdir=str(folder))
        self.traced = True
        self._stepper.restart_clock()

    # Drain: the live iterator alone.

    def _to_an_epoch_worth_draining(self) -> Plan:
        """Train on to the next epoch, where this one has too little left for a drain."""
        left = self._length.calls_left_in_epoch
        if math.isinf(left) or self._length.calls_left <= left + SETTLE_CALLS + 1:
            return
        batches_left = left * self._stepper.steps_per_call + self._stepper.surplus
        left_s = batches_left * self._clean_call_s / self._stepper.steps_per_call
        if left_s >= drain_s(self._watch.options.max_s):
            return
        epoch = self._stepper.epoch
        while self._stepper.epoch == epoch:
            yield Use(events.SETTLE)
        for _ in range(SETTLE_CALLS):
            yield Use(events.SETTLE)

    def _drain(self) -> None:
        self._record.phase("drain")
        drained = measure_rate(self._stepper.iterator, drain_s(self._watch.options.max_s))
        if isinstance(drained, Drained):
            self._record.write(
                events.DRAIN, t=time.perf_counter(), batches=drained.batches,
                duration_s=drained.duration_s, first_batches=drained.first_batches,
            )  # fmt: skip
        else:
            self._record.unavailable("ceilings.input_samples_per_s", drained)
