"""The guard at work: which candidates may be recommended, by their memory and by their loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gputune.api.trials.measuring import Trials, without
from gputune.api.trials.script import Script
from gputune.schema.config import Value
from gputune.schema.study import Check
from gputune.search.candidates import Candidates, candidates
from gputune.search.guard import checks_needed, head_room, loss, refused
from gputune.search.planning import GUARD_RUNS
from gputune.search.space import BATCH_SIZE, Space
from gputune.search.trying import Objective, Tried

BASELINE_SEEDS = 5
CANDIDATE_SEEDS = GUARD_RUNS - BASELINE_SEEDS
LEAST_STEPS, MOST_STEPS = 50, 2000
"""Ours: a loss after fewer steps says nothing, and after 2000 a difference in rounding shows."""
MOST_REFUSED = 5
"""Ours: where five candidates in a row fail, the rest of the budget goes into what is left."""

NO_LOSS = "only Keras' fit keeps a running loss: for this training it is not known"


@dataclass
class Guard:
    """Looks at candidates until one passes; what it measured of the baseline is kept.

    `say` is called with a line for the user; `should_stop` is asked between runs.
    """

    trials: Trials
    script: Script
    space: Space
    budget_s: float
    head_room_fraction: float
    memory_limit_bytes: float | None
    say: Callable[[str], None]
    should_stop: Callable[[], bool]
    spent_s: float = 0.0
    _baseline: list[float] = field(default_factory=list)

    def choose(self, tried: Sequence[Tried], objective: Objective) -> Guarded:
        """The best candidate that passes, overall and with the same batch, and every check."""
        checks: list[Check] = []
        looked: dict[int, str] = {}
        while True:
            failed = [number for number, why in looked.items() if why]
            found = candidates(self.space, tried, objective, refused=failed)
            following = next(
                (t for t in _wanted(found) if t.number not in looked), None
            )  # fmt: skip
            if following is None or len(failed) > MOST_REFUSED:
                return Guarded(found, tuple(checks), looked)
            made = self._check(following)
            checks += made
            looked[following.number] = refused(made)
            if looked[following.number]:
                self.say(f"trial {following.number} is not recommended: "
                         f"{looked[following.number]}")  # fmt: skip

    def _check(self, tried: Tried) -> list[Check]:
        name = f"trial {tried.number}"
        changed = list(self.space.changed(tried.knobs))
        made = [
            head_room(
                name, tried.outcome.peak_memory_bytes, self.memory_limit_bytes,
                fraction=self.head_room_fraction,
            )
        ]  # fmt: skip
        if made[0].passed is not False and "loss" in checks_needed(self.space, changed):
            made.append(self._loss(name, tried))
        return made

    def _loss(self, name: str, tried: Tried) -> Check:
        def unknown(why: str) -> Check:
            return Check(candidate=name, check="loss", passed=None, evidence=why)

        steps = self._steps()
        if steps < LEAST_STEPS:
            return unknown(
                f"the guard's share of the budget ({self.budget_s:.0f} s) has no room for "
                f"{GUARD_RUNS} trainings of {LEAST_STEPS} steps: not looked at"
            )
        own = self.space.baseline_knobs
        for seed in range(1 + len(self._baseline), 1 + BASELINE_SEEDS):
            value = self._one(own, steps, seed)
            if math.isnan(value) and not self._baseline:
                return unknown(NO_LOSS)
            self._baseline.append(value)
        if len(set(self._baseline)) == 1:
            return unknown("the script's loss is the same whatever the seeds: nothing to judge by")
        # The batch size is the baseline's: the same number of samples in the same steps.
        batch = [d.name for d in self.space.dimensions if d.knob == BATCH_SIZE]
        knobs = without(tried.knobs, batch, own)
        seeds = range(1 + BASELINE_SEEDS, 1 + GUARD_RUNS)
        values = [self._one(knobs, steps, seed) for seed in seeds]
        if self.should_stop():
            return unknown("you ended it")
        return loss(name, values, self._baseline)

    def _one(self, knobs: Mapping[str, Value], steps: int, seed: int) -> float:
        if self.should_stop():
            return math.nan
        value, outcome = self.trials.loss(knobs, steps=steps, seed=seed)
        self.spent_s += outcome.duration_s
        return value

    def _steps(self) -> int:
        """How many steps of training fit into the guard's share, for each of its runs."""
        profile = self.script.profile
        step_s = (profile.steps.mean_s if profile.steps is not None else None) or 0.1
        start_s = profile.startup.total_s or 0.0
        each_s = self.budget_s / GUARD_RUNS - start_s
        return min(int(each_s / step_s), MOST_STEPS)


@dataclass(frozen=True)
class Guarded:
    """The candidates that are left, the checks that were made, and why trials were refused."""

    candidates: Candidates
    checks: tuple[Check, ...]
    looked: dict[int, str]

    @property
    def refused(self) -> tuple[tuple[int, str], ...]:
        """The trials that did not pass, and why."""
        return tuple((number, why) for number, why in self.looked.items() if why)


def _wanted(found: Candidates) -> list[Tried]:
    """Whom the confirmation would take: the best of all, the best with the same batch."""
    return [*found.overall[:1], *found.same_batch[:1]]
