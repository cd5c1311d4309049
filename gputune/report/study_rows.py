"""A Study as rows of text: the same words on the terminal and on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from gputune.report import figures
from gputune.schema.config import Value
from gputune.schema.study import Configuration, Confirmation, KnobSearched, Study, Trial

_NAMES: Final = {
    "baseline": "as it is",
    "best": "best of all",
    "best_same_batch": "best with the same batch size",
}


def spoken(candidate: str) -> str:
    """A candidate's name, as a person says it."""
    return _NAMES.get(candidate, candidate.replace("_", " "))


def value_text(value: Value) -> str:
    """A knob's value: None is the script's own."""
    return "as it is" if value is None else str(value)


def same_value(left: Value, right: Value) -> bool:
    """Whether two values of a knob are one; True and 1 are not."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def changed(knobs: Mapping[str, Value], own: Mapping[str, Value]) -> list[tuple[str, Value, Value]]:
    """(knob, was, is) of those that differ from the script as it is."""
    found = []
    for name, value in knobs.items():
        was = own.get(name)
        if name not in own or not same_value(was, value):
            found.append((name, was, value))
    return found


def changes_text(knobs: Mapping[str, Value], own: Mapping[str, Value]) -> str:
    """`prefetch none to AUTOTUNE, batch_size 32 to 128`; `nothing changed` for the baseline."""
    parts = [
        f"{name} {value_text(was)} to {value_text(value)}"
        for name, was, value in changed(knobs, own)
    ]
    return ", ".join(parts) or "nothing changed"


def settings_text(knobs: Mapping[str, Value], own: Mapping[str, Value]) -> str:
    """The changed knobs of a trial, short: `prefetch=AUTOTUNE batch_size=128`."""
    parts = [f"{name}={value_text(value)}" for name, _, value in changed(knobs, own)]
    return " ".join(parts) or "as it is"


def confirmation_text(one: Confirmation) -> str:
    """What the rounds said of one candidate."""
    ratio, low, high, of_what = one.in_figures()
    if ratio is None:
        return f"not confirmed: {one.reason}"
    return (
        f"{ratio:.3f} times {of_what}, 95% interval {low:.3f} to {high:.3f}, "
        f"{figures.count(one.rounds)} rounds in fresh processes: {judged(one)}"
    )


def judged(one: Confirmation) -> str:
    """The verdict in words."""
    better, worse = ("faster", "slower") if one.objective == "throughput" else ("better", "worse")
    if one.worth_having:
        return better
    if one.verdict == "faster":
        return f"{better}, but no gain worth having ({one.reason})"
    return {"slower": worse, "same": "no gain worth having"}.get(
        one.verdict, f"not sure ({one.reason})"
    )


def states(trials: Sequence[Trial]) -> list[str]:
    """`20 complete`, `2 infeasible`: how many trials ended how."""
    return [f"{n} {state}" for state, n in Counter(t.state for t in trials).most_common()]


def failures(trials: Sequence[Trial]) -> list[tuple[str, str]]:
    """(how many and what, why) of the trials that gave no figure, the most frequent first."""
    reasons = Counter((t.state, t.reason) for t in trials if t.state not in ("complete", "pruned"))
    return [(f"{n} {state}", reason) for (state, reason), n in reasons.most_common()]


def payoff_text(study: Study) -> str:
    """What the gain is worth, or why that is not known."""
    payoff = study.payoff
    if payoff.hours_saved_per_run is None:
        return f"{figures.NOT_AVAILABLE}: {payoff.reason}"
    saved_s = payoff.hours_saved_per_run * 3600
    text = f"{figures.seconds(saved_s)} saved by each run of the script as it stands"
    if payoff.break_even_runs is None:
        return text
    runs = payoff.break_even_runs
    after = "one run" if runs <= 1 else f"{figures.number(runs)} runs"
    return f"{text}; after {after} the tuning has paid for itself"


def recommended(study: Study) -> list[tuple[str, Configuration]]:
    """The configurations that may be recommended, by name; one that is both stands once."""
    best, kept = study.best, study.best_same_batch
    if best is not None and kept is not None and dict(best.knobs) == dict(kept.knobs):
        return [("best_same_batch", kept)]
    found = [("best", best), ("best_same_batch", kept)]
    return [(name, one) for name, one in found if one is not None]


def best_so_far(trials: Sequence[Trial]) -> list[float | None]:
    """The best samples/s up to each trial, None before there is one."""
    best: float | None = None
    found = []
    for one in trials:
        if one.state == "complete" and one.samples_per_s is not None:
            best = one.samples_per_s if best is None else max(best, one.samples_per_s)
        found.append(best)
    return found


def gain(one: Trial, baseline: float | None) -> str:
    """A trial beside the baseline's figure in the search: `1.43x`."""
    if one.samples_per_s is None or not baseline:
        return ""
    return figures.factor(one.samples_per_s / baseline)


def by_importance(study: Study) -> list[KnobSearched]:
    """The knobs, what matters most first; unknown ones as they stand."""
    return sorted(study.knobs_searched, key=lambda k: -(k.importance_fraction or 0.0))


def candidates_checks(study: Study) -> list[tuple[str, str, str]]:
    """(candidate, check, what it said) of the guard's looks."""
    return [(spoken(c.candidate), c.check, f"{c.outcome}: {c.evidence}") for c in study.checks]
