"""The Study record, from what was searched, confirmed and guarded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from gputune.search.confirmation import is_open
from gputune.search.sampler import importances
from gputune.search.space import Space, same
from gputune.search.stopping import candidates
from gputune.search.study import Searched
from gputune.search.trying import Objective, Tried

_GO_ON = "The same command with a larger --budget goes on from here."

BEST, BEST_SAME_BATCH = "best", "best_same_batch"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a study came to.

    `run_s` is how long the script takes as it stands, None where that is not known; `spent_s` what
    the tuning took in all.
    """

    searched: Searched
    confirmation: tuple[Confirmation, ...] = ()
    checks: tuple[Check, ...] = ()
    spent_s: float = 0.0
    run_s: float | None = None
    run_s_reason: str = "how long a whole run of the script takes is not known"
    notes: tuple[str, ...] = ()


def study_record(
    script: str, space: Space, answer: Answer, identity: Identity, *, objective: Objective,
    seed: int, budget: Budget, plan: Plan | None = None,
) -> Study:  # fmt: skip
    """The record. What is recommended comes from the confirmation alone."""
    tried = answer.searched.tried
    shares, importance_note = importances(space, tried, objective)
    best = _recommended(answer, BEST)
    same_batch = _recommended(answer, BEST_SAME_BATCH)
    return Study(
        script=script,
        verdict=verdict(answer),
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
        payoff=payoff(best or same_batch, answer),
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
    """Hours saved by each run of the script as it stands, and the runs that pay for the tuning."""
    if best is None or best.ratio is None:
        return Payoff(
            hours_saved_per_run=None, break_even_runs=None,
            reason="no configuration is recommended",
        )  # fmt: skip
    if answer.run_s is None:
        return Payoff(hours_saved_per_run=None, break_even_runs=None, reason=answer.run_s_reason)
    saved_s = answer.run_s * (1 - 1 / best.ratio)
    return Payoff(
        hours_saved_per_run=saved_s / 3600,
        break_even_runs=answer.spent_s / saved_s if saved_s > 0 else None,
    )


def verdict(answer: Answer) -> str:
    """One sentence: the confirmed gain, or why there is none."""
    searched = answer.searched
    count, places = len(searched.tried), f"{len({_key(t) for t in searched.tried})} configurations"
    if searched.failed:
        return f"The script fails as it is, so there is nothing to tune: {searched.failed}"
    gains = [c for c in answer.confirmation if c.worth_having and not _refused(answer, c)]
    if gains:
        best = max(gains, key=lambda c: c.ratio or 0.0)
        low, high = best.ci95 or (0.0, 0.0)
        return (
            f"In {count} trials of {places}, {_changes(best, searched)} is {best.ratio:.2f} times "
            f"as fast as the script as it is (95 % interval {low:.2f} to {high:.2f}, "
            f"{best.rounds} rounds in fresh processes)."
        )
    if not answer.confirmation:
        return _unconfirmed(searched)
    first = answer.confirmation[0]
    refusal = _refused(answer, first)
    if not refusal and is_open(first):
        seen = f" was {first.ratio:.2f} times as fast, but " if first.ratio is not None else ": "
        return f"Not decided: {_changes(first, searched)}{seen}{first.reason}. {_GO_ON}"
    return f"No gain worth having: {refusal or first.reason}."


def _unconfirmed(searched: Searched) -> str:
    """Why nothing was there to confirm: nothing was faster, or nothing else was measured."""
    others = {_key(t) for t in candidates(searched.tried)}
    go_on = f" {_GO_ON}" if searched.out_of_time else ""
    if not others:
        only = "nothing was measured beside the script as it is"
        return f"Not decided: {only}: {searched.stopped}.{go_on}"
    many = f"none of {len(others)} other configurations was faster"
    none = many if len(others) > 1 else "the one other configuration was not faster"
    ended = f", and {searched.stopped}" if searched.out_of_time else ""
    return f"No gain worth having: {none} than the script as it is{ended}.{go_on}"


def _recommended(answer: Answer, name: str) -> Confirmation | None:
    """The confirmed candidate of that name that the guard lets pass, or None."""
    found = [c for c in answer.confirmation if c.candidate == name]
    return next((c for c in found if c.worth_having and not _refused(answer, c)), None)


def _refused(answer: Answer, confirmation: Confirmation) -> str:
    checks = [c for c in answer.checks if c.candidate == confirmation.candidate]
    return "; ".join(c.evidence for c in checks if c.passed is False)


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


def _changes(best: Confirmation, searched: Searched) -> str:
    own: Mapping[str, Value] = searched.tried[0].knobs if searched.tried else {}
    changed = [f"{k}={v}" for k, v in best.knobs.items() if k not in own or not same(own[k], v)]
    return ", ".join(changed) or "it"


def _key(tried: Tried) -> tuple[tuple[str, Value], ...]:
    return tuple(sorted(tried.knobs.items()))
