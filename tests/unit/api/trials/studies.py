"""Whole studies without a script: the real search, guard, confirmation and journal, on a fake
measure and a clock that only the measure moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gputune.api.trials.asking import Progress, TuneOptions
from gputune.api.trials.script import Script
from gputune.api.trials.study import StudyRun
from gputune.launch.command import Target
from gputune.schema.config import Config, Value
from gputune.schema.profile import FitSeen, Profile
from gputune.schema.study import Study
from gputune.schema.training import Startup
from gputune.search.space import Space
from gputune.search.stopping import budget
from gputune.search.storage import open_store
from gputune.search.trying import Outcome
from tests.unit.report import sample
from tests.unit.search.spaces import IDENTITY

PROFILE: Profile = replace(
    sample.cpu_profile(),
    fits=(
        FitSeen(
            index=1, site=None, steps=50, epochs_requested=10, steps_per_epoch=1000, analysed=True
        ),
    ),
    startup=Startup(total_s=5.0),
)
"""Ten epochs of 1000 steps of 0.0419 s, after 5 s of start-up."""
STEP_S, START_S = 0.0419, 5.0


class Killed(BaseException):
    """What ends a study at a moment of the test's choice."""


class Clock:
    """Seconds that pass only while something is measured."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeTrials:
    """Answers as `Trials` does, by formulas; each answer costs its seconds on the clock.

    `answer(knobs)` is a trial's outcome, `loss_of(knobs, steps, seed)` what a training came to.
    A training costs START_S and STEP_S a step, or `loss_s`. `killed_after` is the number of runs of
    any kind after which the process dies.
    """

    answer: Callable[[Mapping[str, Value]], Outcome]
    clock: Clock = field(default_factory=Clock)
    trial_s: float = 10.0
    fresh_s: float = 10.0
    loss_s: float | None = None
    loss_of: Callable[[Mapping[str, Value], int, int], float] = lambda knobs, steps, seed: (
        1 + 0.01 * math.sin(7 * seed)
    )
    killed_after: int | None = None
    why_new_processes: str = ""
    measured: list[dict[str, Value]] = field(default_factory=list)
    confirmed: list[dict[str, Value]] = field(default_factory=list)
    losses: list[tuple[dict[str, Value], int, int]] = field(default_factory=list)
    """Knobs, steps, seed."""
    guard_s: float = 0.0

    def measure(self, knobs: Mapping[str, Value], incumbent: float | None) -> Outcome:
        self._spend(self.trial_s)
        self.measured.append(dict(knobs))
        return replace(self.answer(knobs), duration_s=self.trial_s)

    def fresh(self, knobs: Mapping[str, Value], *, max_s: float | None = None) -> Outcome:
        self._spend(self.fresh_s)
        self.confirmed.append(dict(knobs))
        return replace(self.answer(knobs), duration_s=self.fresh_s)

    def loss(self, knobs: Mapping[str, Value], *, steps: int, seed: int) -> tuple[float, Outcome]:
        cost_s = START_S + STEP_S * steps if self.loss_s is None else self.loss_s
        self._spend(cost_s)
        self.guard_s += cost_s
        self.losses.append((dict(knobs), steps, seed))
        done = Outcome(state="complete", samples_per_s=1.0, duration_s=cost_s)
        return self.loss_of(knobs, steps, seed), done

    def _spend(self, seconds: float) -> None:
        runs = len(self.measured) + len(self.confirmed) + len(self.losses)
        if self.killed_after is not None and runs >= self.killed_after:
            raise Killed
        self.clock.now += seconds


@dataclass(frozen=True)
class Ran:
    """What a study came to, and what it said on the way."""

    study: Study
    config: Config | None
    said: tuple[str, ...]


def run_study(
    where: Space, trials: FakeTrials, folder: Path, *, total_s: float = 900.0,
    most_trials: int = 25, should_stop: Callable[[], bool] = lambda: False,
    before_s: float = 0.0, profile: Profile = PROFILE, **options: Any,
) -> Ran:  # fmt: skip
    """One session of a study whose journal is in `folder`; the same folder goes on with it."""
    said: list[str] = []
    with open_store(folder / "study.jsonl", where, IDENTITY) as store:
        study, config = StudyRun(
            Script(target=Target(script="train.py"), source=None, profile=profile),
            where, budget(trials=most_trials, total_s=total_s), TuneOptions(**options), store,
            trials, Progress(on_note=said.append, should_stop=should_stop), IDENTITY,
            trials.clock, trials.clock.now, before_s,
        ).run()  # type: ignore[arg-type] # fmt: skip
    return Ran(study, config, tuple(said))


def at(samples_per_s: float, **more: Any) -> Outcome:
    """A complete trial."""
    return Outcome(state="complete", samples_per_s=samples_per_s, **more)
