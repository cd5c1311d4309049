"""One study from its first trial to its answer: search, guard, confirmation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gputune.api.studies import keep_runs, keep_spent, kept_runs, spent_before
from gputune.api.trials.asking import Progress, TuneOptions
from gputune.api.trials.guarding import Guard, Guarded
from gputune.api.trials.measuring import Trials
from gputune.api.trials.script import Script
from gputune.api.trials.trainings import Trainings
from gputune.schema.config import DECLARED, Config, Value
from gputune.schema.profile import Profile
from gputune.schema.study import Budget, Check, Confirmation, Identity, Study
from gputune.search.configuring import config as config_of
from gputune.search.confirmation import BASELINE, Arm, Run, confirm, judge
from gputune.search.evidence import evidence
from gputune.search.guard import LOSS, batch_size_of, learning_rate_advice
from gputune.search.length import run_length
from gputune.search.planning import longest_confirmed_s, plan
from gputune.search.record import BEST, BEST_SAME_BATCH, Answer, study_record
from gputune.search.record import trial as trial_record
from gputune.search.space import Space
from gputune.search.stopping import LENT_FRACTION
from gputune.search.storage import Store
from gputune.search.study import Searched, Searching, search
from gputune.search.trying import Outcome, Tried
from gputune.sensors.resources import usable_memory_bytes

WARM_BYTES = 50e6
"""Ours: what a process reads from storage besides its data: libraries, and pages that were lost."""


@dataclass(frozen=True)
class _Short:
    """Fresh processes that measure for `max_s` at most."""

    trials: Trials
    max_s: float

    def fresh(self, knobs: Mapping[str, Value]) -> Outcome:
        return self.trials.fresh(knobs, max_s=self.max_s)


class StudyRun:
    """The parts of one study, in their order: search, guard, confirmation, answer."""

    def __init__(
        self, script: Script, space: Space, budget: Budget, options: TuneOptions, store: Store,
        trials: Trials, progress: Progress, identity: Identity, clock: Callable[[], float],
        began: float, before_s: float,
    ) -> None:  # fmt: skip
        self._script = script
        self._space = space
        self._budget = budget
        self._options = options
        self._store = store
        self._trials = trials
        self._progress = progress
        self._identity = identity
        self._clock = clock
        self._began = began
        self._before_s = before_s
        self._earlier_s = spent_before(store)

    def run(self) -> tuple[Study, Config | None]:
        """Search, guard, confirm; the record, and what it recommends."""
        say, stop = self._progress.on_note, self._progress.should_stop
        spent_s = self._earlier_s + self._before_s
        self._progress.on_space(self._budget, self._space.baseline_knobs, spent_s)
        kept = self._store.tried()
        for tried in kept:
            self._progress.on_kept(trial_record(tried))
        if kept:
            say(f"going on with what was measured before: {len(kept)} trials, {spent_s:.0f} s")
        for note in self._store.notes:
            say(note)
        searched = self._search()
        guard = Guard(
            trainings=Trainings(self._trials, self._store), script=self._script, space=self._space,
            budget_s=self._budget.guard_s, say=say, should_stop=stop,
            head_room_fraction=self._options.head_room_fraction,
            memory_limit_bytes=self._memory_limit(),
        )  # fmt: skip
        guarded = None
        arms: tuple[Arm, ...] = ()
        confirmed: tuple[Confirmation, ...] = ()
        if not searched.failed and not stop():
            guarded = guard.choose(searched.tried, self._options.objective)
            arms = _arms(self._space, guarded)
            confirmed = self._confirm(arms)
        return self._answer(searched, guarded, arms, confirmed)

    def _search(self) -> Searched:
        def on_trial(tried: Tried) -> None:
            self._progress.on_trial(trial_record(tried))

        return search(
            self._trials,
            self._store,
            Searching(
                space=self._space, budget=self._budget, objective=self._options.objective,
                seed=self._options.seed, spent_before_s=self._earlier_s + self._before_s,
                clock=self._clock, should_stop=self._progress.should_stop,
                on_begin=self._progress.on_begin, on_trial=on_trial,
            ),
        )  # fmt: skip

    def _confirm(self, arms: Sequence[Arm]) -> tuple[Confirmation, ...]:
        if len(arms) < 2:
            return ()
        named = {arm.name: arm.knobs for arm in arms}
        runs = list(kept_runs(self._store, named))
        self._progress.on_note(
            f"confirming {' and '.join(a.name.replace('_', ' ') for a in arms[1:])} beside the "
            "script as it is, in fresh processes that take turns"
        )

        def on_run(run: Run) -> None:
            runs.append(run)
            keep_runs(self._store, named, tuple(runs))
            keep_spent(self._store, self._spent_s())
            rate = f"{run.samples_per_s:.5g} samples/s" if run.samples_per_s else run.reason
            self._progress.on_note(f"round {run.round + 1}, {run.arm.replace('_', ' ')}: {rate}")

        # What search and guard have left; the search may have borrowed half of the share.
        left_s = self._budget.total_s - self._spent_s() + sum(r.duration_s for r in runs)
        budget_s = max((1 - LENT_FRACTION) * self._budget.confirmation_s, left_s)
        max_s = longest_confirmed_s(self._script.profile, budget_s, len(arms))
        done = confirm(
            arms, _Short(self._trials, max_s), runs=tuple(runs), on_run=on_run,
            should_stop=self._progress.should_stop, budget_s=budget_s,
            objective=self._options.objective,
        )  # fmt: skip
        return tuple(judge(arm, done, self._options.objective) for arm in arms[1:])

    def _answer(
        self,
        searched: Searched,
        guarded: Guarded | None,
        arms: Sequence[Arm],
        confirmed: tuple[Confirmation, ...],
    ) -> tuple[Study, Config | None]:
        length = run_length(self._script.profile)
        keep_spent(self._store, self._spent_s())
        answer = Answer(
            searched=searched,
            confirmation=confirmed,
            checks=_checks(guarded, arms),
            spent_s=self._spent_s(),
            steps_s=length.steps_s,
            steps_s_reason=length.reason,
            refused=guarded.refused if guarded is not None else (),
            ended=self._progress.should_stop(),
            notes=self._notes(searched, guarded, arms, confirmed),
        )
        record = study_record(
            self._script.profile.script, self._space, answer, self._identity,
            objective=self._options.objective, seed=self._options.seed, budget=self._budget,
            plan=plan(self._script.profile, self._space, self._budget),
        )  # fmt: skip
        best = record.best
        if best is None:
            return record, None
        gain = next(c for c in confirmed if dict(c.knobs) == dict(best.knobs))
        said = evidence(record.verdict, gain, record.checks, self._of_training(gain))
        return record, config_of(
            self._space, self._script.profile.script, best.knobs,
            evidence=(*said, *_machine(self._script.profile)),
        )  # fmt: skip

    def _notes(
        self, searched: Searched, guarded: Guarded | None, arms: Sequence[Arm],
        confirmed: Sequence[Confirmation],
    ) -> tuple[str, ...]:  # fmt: skip
        notes = list(self._store.notes)
        if self._trials.why_new_processes:
            notes.append(f"Each trial had a process of its own: {self._trials.why_new_processes}.")
        if self._progress.should_stop():
            without = " without --fresh" if self._options.fresh else ""
            notes.append(f"You ended it; the same command{without} goes on with what was measured.")
        if guarded is not None:
            notes += [
                f"Trial {number} is not recommended: {why}." for number, why in guarded.refused
            ]
        notes += _not_looked_at(_checks(guarded, arms), arms)
        for one in confirmed:
            notes += self._of_training(one)
            same = [t for t in searched.tried if dict(t.knobs) == dict(one.knobs)]
            notes += [f"{note}." for t in same for note in t.outcome.noted]
        read = [t.outcome.read_bytes for t in searched.tried if t.outcome.read_bytes is not None]
        if read and max(read) < WARM_BYTES:
            notes.append(
                "The trials ran with a warm page cache (none read more than "
                f"{max(read) / 1e6:.3g} MB from storage): they say nothing about a cold one."
            )
        elif read:
            notes.append(
                f"The trials read from {min(read) / 1e6:.3g} to {max(read) / 1e6:.3g} MB from "
                "storage: those that read less found their data in the page cache, which is no "
                "gain of their settings."
            )
        return tuple(dict.fromkeys(notes))

    def _of_training(self, one: Confirmation) -> list[str]:
        """What to look at because the candidate changes what a step learns."""
        profile = self._script.profile
        optimizer = _optimizer(profile)
        own = profile.steps.batch_size if profile.steps is not None else None
        said = []
        batch = batch_size_of(self._space, dict(one.knobs))
        if batch is not None and own and optimizer:
            rate = profile.setting("learning_rate")
            known = rate if isinstance(rate, float) else None
            said.append(learning_rate_advice(optimizer, batch, own, known))
        declared = [n for n in self._space.changed(dict(one.knobs)) if n.startswith(DECLARED)]
        if declared:
            said.append(
                f"{' and '.join(declared)} may change what is learned, and no check of "
                "gputune's looks at that: compare the trained models."
            )
        return said

    def _memory_limit(self) -> float | None:
        """Bytes of the smallest GPU that is trained on; of the machine where there is none."""
        profile = self._script.profile
        limits = [m.limit_bytes for m in profile.device_memory if m.limit_bytes]
        if limits:
            return float(min(limits))
        if profile.device_memory or profile.gpus:
            return None
        memory = usable_memory_bytes()
        return None if memory is None else float(memory)

    def _spent_s(self) -> float:
        """What the study has cost, in all its sessions."""
        return self._earlier_s + self._clock() - self._began


def _arms(space: Space, guarded: Guarded) -> tuple[Arm, ...]:
    """The baseline, the best of all, and the best with the same batch where that is another."""
    found = guarded.candidates
    passed = {number for number, why in guarded.looked.items() if not why}
    arms = [Arm(name=BASELINE, knobs=space.baseline_knobs)]
    best = next((t for t in found.overall[:1] if t.number in passed), None)
    kept = next((t for t in found.same_batch[:1] if t.number in passed), None)
    if best is not None:
        same = kept is not None and kept.number == best.number
        arms.append(Arm(name=BEST_SAME_BATCH if same else BEST, knobs=best.knobs))
        if kept is not None and not same:
            arms.append(Arm(name=BEST_SAME_BATCH, knobs=kept.knobs))
    return tuple(arms)


def _checks(guarded: Guarded | None, arms: Sequence[Arm]) -> tuple[Check, ...]:
    """The guard's checks, those of a confirmed trial under the name that it has there."""
    if guarded is None:
        return ()
    found = guarded.candidates
    names = {
        f"trial {t.number}": arm.name
        for t in (*found.overall[:1], *found.same_batch[:1])
        for arm in arms[1:]
        if dict(arm.knobs) == dict(t.knobs)
    }
    return tuple(replace(c, candidate=names.get(c.candidate, c.candidate)) for c in guarded.checks)


def _not_looked_at(checks: Sequence[Check], arms: Sequence[Arm]) -> list[str]:
    """That a confirmed candidate changes what is computed, and nobody has seen what it learns."""
    names = {arm.name for arm in arms}
    return [
        f"The loss of {check.candidate.replace('_', ' ')} was not compared with the script's own: "
        f"{check.evidence}. Compare it before you rely on these settings."
        for check in checks
        if check.check == LOSS and check.passed is None and check.candidate in names
    ]


def _optimizer(profile: Profile) -> str:
    """The class of the optimizer, where the profile saw it: it stands beside the learning rate."""
    return next((s.note for s in profile.config if s.knob == "learning_rate"), "")


def _machine(profile: Profile) -> tuple[str, ...]:
    """What the figures were measured on, for the configuration's comments."""
    where = profile.environment
    devices = ", ".join(gpu.name for gpu in profile.gpus) or where.cpu_model or "an unknown CPU"
    return (
        f"on {devices}, {where.cores:g} cores" if where.cores else f"on {devices}",
        f"gputune {where.gputune}, TensorFlow {where.tensorflow}, Keras {where.keras}, "
        f"Python {where.python}",
    )
