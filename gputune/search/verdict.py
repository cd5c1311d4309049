"""The answer of a study in one sentence: the confirmed gain, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputune.schema.config import Value
from gputune.schema.study import Check, Confirmation
from gputune.search.candidates import Candidates
from gputune.search.confirmation import baseline_failed, is_open
from gputune.search.space import same
from gputune.search.stopping import candidates as measured
from gputune.search.study import Searched
from gputune.search.trying import Objective, Tried, merit

_SEEN = {
    "throughput": "was {:.2f} times as fast",
    "energy": "needed {:.2f} times the energy",
    "memory": "needed {:.2f} times the memory",
}


def passing(
    confirmations: Sequence[Confirmation], checks: Sequence[Check]
) -> tuple[Confirmation, ...]:
    """The confirmed gains that the guard lets pass, the largest first.

    Of two equal ones the one with the same batch size: it asks for less.
    """
    found = [c for c in confirmations if c.worth_having and not refusal(c, checks)]
    return tuple(sorted(found, key=lambda c: (-(c.ratio or 0.0), c.candidate == "best")))


def refusal(confirmation: Confirmation, checks: Sequence[Check]) -> str:
    """Why the guard refuses a candidate; nothing where it does not."""
    own = [c for c in checks if c.candidate == confirmation.candidate]
    return "; ".join(c.evidence for c in own if c.passed is False)


def verdict(
    searched: Searched,
    confirmations: Sequence[Confirmation],
    checks: Sequence[Check],
    *,
    promising: Candidates,
    refused: Sequence[tuple[int, str]],
    objective: Objective,
    ended: bool,
) -> str:
    """One sentence about a whole study, or two.

    `promising` are the trials that were better than the script as it is by the search's own
    figures, `refused` the trials that the guard did not let pass, with its reasons; `ended` says
    that the user ended it.
    """
    if searched.failed:
        return f"The script fails as it is, so there is nothing to tune: {searched.failed}"
    gains = passing(confirmations, checks)
    if gains:
        return _gain(gains[0], searched)
    if not confirmations:
        return _unconfirmed(searched, promising, refused, objective, ended)
    first = confirmations[0]
    why_not = refusal(first, checks)
    if not why_not and is_open(first):
        ratio, *_ = first.in_figures()
        seen = ": " if ratio is None else f" {_SEEN[first.objective].format(ratio)}, but "
        again = ended or baseline_failed(first)
        why = "you ended it" if ended else first.reason
        return f"Not decided: {_changes(first.knobs, searched)}{seen}{why}. {_go_on(again)}"
    reason = why_not or first.reason
    none = "no gain worth having: "
    return f"No gain worth having: {reason.removeprefix(none)}."


def _gain(best: Confirmation, searched: Searched) -> str:
    count = len(searched.tried)
    places = f"{len({_key(t) for t in searched.tried})} configurations"
    ratio, low, high, figure = best.in_figures()
    needs = f"needs {ratio:.2f} times {figure} of the script as it is"
    fast = f"is {ratio:.2f} times as fast as the script as it is"
    what = fast if best.objective == "throughput" else needs
    return (
        f"In {count} trials of {places}, {_changes(best.knobs, searched)} {what} (95 % interval "
        f"{low:.2f} to {high:.2f}, {best.rounds} rounds in fresh processes)."
    )


def _unconfirmed(
    searched: Searched, promising: Candidates, refused: Sequence[tuple[int, str]],
    objective: Objective, ended: bool,
) -> str:  # fmt: skip
    """Why nothing was confirmed: it was ended or refused, or nothing was better to begin with."""
    others = {_key(t) for t in measured(searched.tried)}
    by_time = searched.out_of_time and not ended
    go_on = f" {_go_on(ended)}" if ended or by_time else ""
    if not others:
        only = "nothing was measured beside the script as it is"
        return f"Not decided: {only}: {searched.stopped}.{go_on}"
    if promising.overall and not refused:
        best = promising.overall[0]
        why = "you ended it before that was confirmed" if ended else "that was not confirmed"
        seen = f"{_changes(best.knobs, searched)} {_seen(best, searched.tried[0], objective)}"
        return f"Not decided: {seen} in the search, and {why}.{go_on}"
    if promising.overall or refused:
        reasons = "; ".join(f"trial {number}: {why}" for number, why in refused[:3])
        return f"No gain worth having: what was better was refused: {reasons}.{go_on}"
    better = "faster than" if objective == "throughput" else "better than"
    many = f"none of {len(others)} other configurations was {better}"
    one = f"the one other configuration was not {better}"
    ending = f", and {searched.stopped}" if searched.out_of_time else ""
    what = many if len(others) > 1 else one
    answer = "Not decided" if ended else "No gain worth having"
    return f"{answer}: {what} the script as it is{ending}.{go_on}"


def _seen(best: Tried, baseline: Tried, objective: Objective) -> str:
    """What the search's own figures said, which no confirmation has looked at."""
    found, own = merit(best.outcome, objective), merit(baseline.outcome, objective)
    if not found or not own:
        return "was better"
    ratio = found / own if objective == "throughput" else own / found
    return _SEEN[objective].format(ratio)


def _go_on(time_left: bool) -> str:
    """How the study is gone on with: whoever ended it has time left in its budget."""
    more = "" if time_left else " with a larger --budget"
    return f"The same command{more} goes on from here."


def _changes(knobs: Mapping[str, Value], searched: Searched) -> str:
    own: Mapping[str, Value] = searched.tried[0].knobs if searched.tried else {}
    changed = [f"{k}={v}" for k, v in knobs.items() if k not in own or not same(own[k], v)]
    return ", ".join(changed) or "it"


def _key(tried: Tried) -> tuple[tuple[str, Value], ...]:
    return tuple(sorted(tried.knobs.items()))
