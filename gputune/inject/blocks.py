"""Blocks of calls on a batch that is always ready, and of real ones, in turn.

The held blocks give the compute ceiling, and the difference of the two the wait for input.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from statistics import fmean
from types import ModuleType
from typing import Any

from gputune.inject import steadiness
from gputune.inject.drain import empty_buffers
from gputune.inject.element import batches
from gputune.inject.flops import Batch
from gputune.inject.held import CannotHold, hold
from gputune.inject.length import Length
from gputune.inject.record import Record
from gputune.inject.stepper import Call, Plan, Stepper, Use
from gputune.session import events

BLOCK_S = 0.8
BLOCK_FRACTION = 0.2
"""Of the budget, at most: two pairs with what lies between them take about all of it."""
BLOCK_CALLS = 4
LONGEST_BLOCK_S = 2.0
FEWEST_PAIRS = 4
MOST_PAIRS = 10
PAIRS_FRACTION = 0.01
"""Enough pairs once the mean difference is known within ±1 % of a step."""
SETTLE_CALLS = 2
MOST_SETTLE_CALLS = 32
SETTLED_FRACTION = 0.8
MOST_EMPTIED = 4096
EMPTY_FRACTION = 0.85
"""Buffers are empty once a batch takes this share of a step: one that is half ready takes less."""
LONGEST_SETTLE_S = 3.0


class Blocks:
    """The blocks of one measurement; `clean_call_s` is what a call takes in training.

    After `budget_s` seconds the fewest pairs are enough; below four the blocks are shorter, too,
    and the interval of their difference wider.
    """

    def __init__(
        self, tf: ModuleType, stepper: Stepper, record: Record, length: Length, clean_call_s: float,
        *, budget_s: float, cannot_hold: str = "",
    ) -> None:  # fmt: skip
        self._tf = tf
        self._budget_s = budget_s
        self._stepper = stepper
        self._record = record
        self._length = length
        self._clean_call_s = clean_call_s
        self._cannot_hold = cannot_hold
        self.held: Any = None
        """The endless iterator over one batch; None where none could be held."""
        self.batches: list[Batch] = []
        """That batch's components: one batch for each replica that gets its own."""
        self._most = math.inf
        self._last_phase = ""

    def alternate(self) -> Plan:
        """Pairs of blocks until their difference is known well; raises TrainingEnds."""
        self._record.phase(events.HELD)
        if self._cannot_hold:
            self._record.unavailable("input_wait_s", self._cannot_hold)
            return
        held = yield from self._hold()
        if held is None:
            return
        self.held = held
        # So many that the fewest pairs still fit into what is left.
        self._most = max(
            self._length.calls_to_spare / (2 * FEWEST_PAIRS) - 2 * SETTLE_CALLS, SETTLE_CALLS
        )
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
            if len(ratios) >= FEWEST_PAIRS and (known or spent_s > self._budget_s):
                return
            if len(ratios) >= 2 and spent_s > 2 * self._budget_s:
                return

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
                self._length.check()
                yield Use(events.SETTLE)
        self.batches = batches(self._tf, element)
        try:
            held = hold(
                self._tf, self._stepper.iterator, element,
                any_object=self._stepper.fetches_in_python,
            )  # fmt: skip
        except CannotHold as reason:
            self._record.unavailable("input_wait_s", str(reason))
            return None
        flat = self._tf.nest.flatten(element, expand_composites=True)
        self._record.write(
            events.HELD_BATCH, batch_size=self._batch_size(element),
            bytes=sum(int(t.shape.num_elements() or 0) * t.dtype.size for t in flat),
            components=[part for batch in self.batches for part in batch],
        )  # fmt: skip
        return held

    def _batch_size(self, element: Any) -> int | None:
        """The first dimension of the first component that has one."""
        for part in self._tf.nest.flatten(element):
            if isinstance(part, self._tf.distribute.DistributedValues):
                return sum(self._batch_size(replica) or 0 for replica in part.values) or None
            if isinstance(part, self._tf.RaggedTensor):
                return int(part.nrows())
            if isinstance(part, self._tf.SparseTensor):
                return int(part.dense_shape[0])
            if part.shape.rank:
                return int(part.shape[0])
        return None

    def _block(self, phase: str, block: int) -> Generator[Use, Call | None, float]:
        """One block of calls after the switch has settled; its mean seconds per call."""
        iterator = self.held if phase == events.HELD else None
        if phase != self._last_phase:
            # The order is H R R H H R …: half of the blocks follow one of their own kind. Each
            # switch fills and empties the buffers, and an AUTOTUNE buffer grows by that.
            self._last_phase = phase
            if phase == events.HELD:
                yield from self._settle_held(block)
            else:
                yield from self._settle_real(block)
        times: list[float] = []
        block_s = min(BLOCK_S, BLOCK_FRACTION * self._budget_s)
        length_s = min(max(block_s, BLOCK_CALLS * self._clean_call_s), LONGEST_BLOCK_S)
        last = False
        while not last:
            self._length.check()
            enough = sum(times) + (times[-1] if times else 0.0) >= length_s
            last = len(times) >= 1 and (enough or len(times) + 1 >= self._most)
            call = yield Use(phase, block, iterator, sync=last)
            duration = None if call is None else self._stepper.duration_s(call)
            if duration is not None:
                times.append(duration)
            last = last and len(times) >= 2
        return fmean(times)

    def _settle_held(self, block: int) -> Plan:
        """Until the script's pipeline has filled its buffers and rests: it takes cores, too.

        Where it can be, these calls are made aside, so that they use up none of the training's
        own steps.
        """
        began = time.perf_counter()
        quiet_s = max(0.1, 2.5 * self._clean_call_s)
        last, since = self._record.buffered(), began
        calls = 0
        while True:
            if self._stepper.can_call_aside:
                self._stepper.call_aside(self.held)
            else:
                yield Use(events.SETTLE, block, self.held)
            calls += 1
            now = time.perf_counter()
            level = self._record.buffered()
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
            step_s = self._clean_call_s / self._stepper.steps_per_call
            taken = empty_buffers(self._stepper.iterator, budget, EMPTY_FRACTION * step_s)
            self._stepper.surplus -= taken
            self._stepper.restart_clock()
        for number in range(MOST_SETTLE_CALLS):
            self._length.check()
            call = yield Use(events.SETTLE, block)
            took = None if call is None else call.duration_s
            slow = took is not None and took >= SETTLED_FRACTION * self._clean_call_s
            if number + 1 >= SETTLE_CALLS and (slow or self._length.calls_to_spare < self._most):
                break
        self._stepper.restart_clock()
