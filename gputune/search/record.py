"""The Study record, from what was searched, confirmed and guarded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from gputune.schema.config import Value
from gputune.schema.study import (
    Budget,
    Check,
    Configuration,
    Confirmation,
    Identity,
    KnobEffect,
    KnobSearched,
    Payoff,
    Plan,
    Study,
    Trial,
)
from gputune.search.candidates import candidates
from gputune.search.sampler import importances
from gputune.search.space import Space, same
from gputune.search.study import Searched
from gputune.search.trying import Objective, Tried
from gputune.search.verdict import passing, verdict

BEST, BEST_SAME_BATCH = "best", "best_same_batch"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a study came to.

    `steps_s` is how long the training steps of a run of the script take as it stands, None where
    that is not known; `spent_s` what the tuning took in all. `refused` are the trials that the
    guard did not let pass, and why; `ended` says that the user ended the study.
    """

    searched: Searched
    confirmation: tuple[Confirmation, ...] = ()
    checks: tuple[Check, ...] = ()
    spent_s: float = 0.0
    steps_s: float | None = None
    steps_s_reason: str = "how long a whole run of the script takes is not known"
    refused: tuple[tuple[int, str], ...] = ()
    ended: bool = False
    notes: tuple[str, ...] = ()


def study_record(
    script: str, space: Space, answer: Answer, identity: Identity, *, objective: Objective,
    seed: int, budget: Budget, plan: Plan | None = None,
) -> Study:  # fmt: skip
    """The record. What is recommended comes from the confirmation alone."""
    tried = answer.searched.tried
    shares, importance_note = importances(space, tried, objective)
    gains = passing(answer.confirmation, answer.checks)
    best = next(iter(gains), None)
    same_batch = next((c for c in gains if c.candidate == BEST_SAME_BATCH), None)
    return Study(
        script=script,
        verdict=verdict(
            answer.searched,
            answer.confirmation,
            answer.checks,
            promising=candidates(space, tried, objective),
            refused=answer.refused,
            objective=objective,
            ended=answer.ended,
        ),
        baseline=_baseline(space, answer),
        best=_configuration(best),
        best_same_batch=_configuration(same_batch),
        confirmation=answer.confirmation,
        checks=answer.checks,
        trials=tuple(trial(t) for t in tried),
        knobs_searched=tuple(
            KnobSearched(
                knob=d.name,
                values=d.values,
                baseline=d.values[d.baseline],
                takes_effect=d.takes_effect,
                changes=d.changes,
                importance_fraction=shares.get(d.name),
                effect=effects(d.name, d.values, tried),
            )
            for d in space.dimensions
        ),
        knobs_left_out=space.left_out,
        fixed=dict(space.fixed),
        objective=objective,
        seed=seed,
        budget=budget,
        plan=plan,
        identity=identity,
        payoff=payoff(best, answer),
        stopped=answer.searched.stopped,
        importance_note=importance_note,
        notes=answer.notes,
    )


def trial(tried: Tried) -> Trial:
    """A trial as the record has it."""
    outcome = tried.outcome
    return Trial(
        number=tried.number,
        knobs=dict(tried.knobs),
        state=outcome.state,
        reason=outcome.reason,
        samples_per_s=outcome.samples_per_s,
        noise_fraction=outcome.noise_fraction,
        duration_s=outcome.duration_s,
        measured_s=outcome.measured_s,
        began_s=tried.began_s,
        in_process=outcome.in_process,
        exit_code=outcome.exit_code,
        stderr_tail=outcome.stderr_tail,
        shortfall_bytes=outcome.shortfall_bytes,
        peak_memory_bytes=outcome.peak_memory_bytes,
        energy_j_per_sample=outcome.energy_j_per_sample,
        read_bytes=outcome.read_bytes,
        source=tried.source,
        why=tried.why,
    )


def effects(name: str, values: Sequence[Value], tried: Sequence[Tried]) -> tuple[KnobEffect, ...]:
    """For each value of a knob the trials that had it, and the median of their samples/s."""
    found = []
    for value in values:
        own = [t for t in tried if name in t.knobs and same(t.knobs[name], value)]
        rates = [t.outcome.samples_per_s for t in own if t.outcome.state == "complete"]
        known = [r for r in rates if r is not None]
        middle = median(known) if known else None
        found.append(KnobEffect(value=value, trials=len(own), median_samples_per_s=middle))
    return tuple(found)


def payoff(best: Confirmation | None, answer: Answer) -> Payoff:
    """Hours saved by each run of the script as it stands, and the runs that pay for the tuning.

    Only the training steps become shorter: start-up, validation and callbacks stay as they are.
    """
    if best is None or not best.candidate_samples_per_s or not best.baseline_samples_per_s:
        return Payoff(
            hours_saved_per_run=None, break_even_runs=None,
            reason="no configuration is recommended",
        )  # fmt: skip
    if answer.steps_s is None:
        return Payoff(hours_saved_per_run=None, break_even_runs=None, reason=answer.steps_s_reason)
    saved_s = answer.steps_s * (1 - best.baseline_samples_per_s / best.candidate_samples_per_s)
    if saved_s <= 0:
        return Payoff(
            hours_saved_per_run=None, break_even_runs=None, reason="it saves no time",
        )  # fmt: skip
    return Payoff(hours_saved_per_run=saved_s / 3600, break_even_runs=answer.spent_s / saved_s)


def _configuration(found: Confirmation | None) -> Configuration | None:
    if found is None:
        return None
    rate = found.candidate_samples_per_s
    return Configuration(knobs=dict(found.knobs), samples_per_s=rate, confirmed=True)


def _baseline(space: Space, answer: Answer) -> Configuration:
    confirmed = [c.baseline_samples_per_s for c in answer.confirmation]
    rate = next((r for r in confirmed if r is not None), None)
    own = space.baseline_knobs
    if rate is not None:
        return Configuration(knobs=own, samples_per_s=rate, confirmed=True)
    tried = answer.searched.tried
    first = tried[0].outcome.samples_per_s if tried else None
    return Configuration(knobs=own, samples_per_s=first)
