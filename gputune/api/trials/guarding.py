"""The guard at work: which candidates may be recommended, by their memory and by their loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gputune.api.trials.measuring import without
from gputune.api.trials.script import Script
from gputune.api.trials.trainings import Trainings
from gputune.schema.config import Value
from gputune.schema.study import Check
from gputune.search.candidates import Candidates, candidates
from gputune.search.guard import LOSS, checks_needed, head_room, loss, put_back, refused
from gputune.search.planning import (
    BASELINE_SEEDS,
    GUARD_RUNS,
    LEAST_STEPS,
    guard_steps,
    training_s,
)
from gputune.search.space import Space
from gputune.search.trying import Objective, Tried

OVERRUN = 1.25
"""Ours: the first comparison fits into the share by the profile's figures; where it takes longer, a
quarter more than the share is let pass."""

NO_LOSS = "only Keras' fit keeps a running loss: for this training it is not known"


class _NotLookedAt(Exception):
    """A check that cannot be made, for a reason that is no fault of the candidate's."""


@dataclass
class Guard:
    """Looks at candidates until one passes, as far as its share of the budget goes.

    `say` is called with a line for the user; `should_stop` is asked between runs.
    """

    trainings: Trainings
    script: Script
    space: Space
    budget_s: float
    head_room_fraction: float
    memory_limit_bytes: float | None
    say: Callable[[str], None]
    should_stop: Callable[[], bool]
    _known: dict[_Change, Check] = field(default_factory=dict)
    """The losses that were compared, by what they changed."""

    def choose(self, tried: Sequence[Tried], objective: Objective) -> Guarded:
        """The best candidate that passes, overall and with the same batch, and every check."""
        checks: list[Check] = []
        looked: dict[int, str] = {}
        while True:
            failed = [number for number, why in looked.items() if why]
            found = candidates(self.space, tried, objective, refused=failed)
            following = next((t for t in _wanted(found) if t.number not in looked), None)
            if following is None:
                return Guarded(found, tuple(checks), looked)
            made = self._check(following)
            checks += made
            looked[following.number] = refused(made)
            if looked[following.number]:
                self.say(f"trial {following.number} is not recommended: {looked[following.number]}")

    def _check(self, tried: Tried) -> list[Check]:
        name = f"trial {tried.number}"
        changed = list(self.space.changed(tried.knobs))
        made = [
            head_room(
                name, tried.outcome.peak_memory_bytes, self.memory_limit_bytes,
                fraction=self.head_room_fraction,
            )
        ]  # fmt: skip
        if made[0].passed is not False and LOSS in checks_needed(self.space, changed):
            made.append(self._loss(name, tried))
        return made

    def _loss(self, name: str, tried: Tried) -> Check:
        """The loss of a candidate: its own, or of one before that changes the same."""
        change = self._change(tried.knobs)
        known = self._known.get(change)
        if known is not None:
            said = f"as of {known.candidate}, which changes rounding and order alike"
            if known.passed is not False:
                said = f"{known.evidence} ({said})"
            return replace(known, candidate=name, evidence=said)
        try:
            made = self._compared(name, tried.knobs)
        except _NotLookedAt as why:
            self.say(f"the loss of {name} is not compared with the script's own: {why}")
            return Check(candidate=name, check=LOSS, passed=None, evidence=str(why))
        self._known[change] = made
        return made

    def _change(self, knobs: Mapping[str, Value]) -> _Change:
        """What of a configuration changes rounding or order."""
        changed = self.space.changed(knobs).items()
        return frozenset(
            (n, v) for n, v in changed if self.space.changes_of(n) in ("order", "rounding")
        )

    def _compared(self, name: str, knobs: Mapping[str, Value]) -> Check:
        own, steps = self.space.baseline_knobs, self._steps()
        if steps < LEAST_STEPS:
            raise _NotLookedAt(
                f"the guard's share of the budget ({self.budget_s:.0f} s) has no room for "
                f"{GUARD_RUNS} trainings of {LEAST_STEPS} steps: not looked at"
            )
        # The same number of samples in the same steps, of the same training.
        names = put_back(self.space, knobs)
        trained = without(knobs, names, own)
        seeds = range(1, 1 + GUARD_RUNS)
        runs = [(own if seed <= BASELINE_SEEDS else trained, seed) for seed in seeds]
        losses: list[float] = []
        failed = ""
        for knobs_now, seed in runs:
            self._may_train(steps, runs[len(losses) :])
            one = self.trainings.one(knobs_now, steps, seed)
            if math.isnan(one.loss) and not losses:
                raise _NotLookedAt(one.reason or NO_LOSS)
            losses.append(one.loss)
            failed = failed or (one.reason and f": {one.reason}")
            if len(losses) == BASELINE_SEEDS and len(set(losses)) == 1:
                raise _NotLookedAt(
                    "the script's loss is the same whatever the seeds: nothing to judge by"
                )
        made = loss(name, losses[BASELINE_SEEDS:], losses[:BASELINE_SEEDS])
        held = f", with the script's own {' and '.join(names)}" if names else ""
        return replace(made, evidence=f"{made.evidence}{failed}, after {steps} steps{held}")

    def _may_train(self, steps: int, runs: Sequence[tuple[Mapping[str, Value], int]]) -> None:
        """Raise _NotLookedAt where one of these must still be made and there is no room for it."""
        missing = sum(self.trainings.kept(knobs, steps, seed) is None for knobs, seed in runs)
        if not missing:
            return
        if self.should_stop():
            raise _NotLookedAt("you ended it: not looked at")
        spent_s = self.trainings.spent_s
        each_s = self.trainings.typical_s or training_s(self.script.profile, steps)
        if spent_s + missing * each_s > self.budget_s * (1.0 if self._known else OVERRUN):
            raise _NotLookedAt(
                f"not looked at, since {missing} more trainings of {each_s:.0f} s have no room: "
                f"{spent_s:.0f} s of the guard's share of the budget ({self.budget_s:.0f} s) are "
                "spent"
            )

    def _steps(self) -> int:
        """Steps of each training: as before in a study that is gone on with."""
        before = self.trainings.steps
        return guard_steps(self.script.profile, self.budget_s) if before is None else before


_Change = frozenset[tuple[str, Value]]


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
