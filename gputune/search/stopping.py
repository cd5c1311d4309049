"""When a search ends, and what its budget is divided into."""

from __future__ import annotations

from collections.abc import Sequence

from gputune.schema.study import Budget
from gputune.search.propose import seen_of
from gputune.search.space import Space
from gputune.search.trying import Objective, Tried

TRIALS = 25
TOTAL_S = 15 * 60.0
"""A coffee break."""
CONFIRMATION_FRACTION = 0.40
GUARD_FRACTION = 0.15
"""Ours: several seeds of a short training, for knobs that change rounding or order."""
PATIENCE = 12
"""Ours: so many trials in a row without a gain of 1 % end the search before its budget does."""
NOTICEABLE = 1.01
FAILURES = 5
"""Ours: so many failures in a row say that something is wrong with the machine or the script."""


def budget(
    *, trials: int | None = None, total_s: float | None = None, guard: bool = True
) -> Budget:
    """The budget; `total_s` covers everything. Raises ValueError below one trial or one second.

    The search has what confirmation (40 %) and guard (15 %) leave; what they do not use is left
    over. Without a guard the search has its share.
    """
    trials = TRIALS if trials is None else trials
    total_s = TOTAL_S if total_s is None else total_s
    if trials < 1 or not total_s >= 1:
        raise ValueError("a study needs at least one trial and one second")
    confirmation_s = CONFIRMATION_FRACTION * total_s
    guard_s = GUARD_FRACTION * total_s if guard else 0.0
    return Budget(
        trials=trials,
        total_s=total_s,
        search_s=total_s - confirmation_s - guard_s,
        confirmation_s=confirmation_s,
        guard_s=guard_s,
    )


def why_stop(
    space: Space, tried: Sequence[Tried], spent_s: float, budget: Budget, objective: Objective
) -> str:
    """Why the search ends here, or nothing. A trial that would not end in time is not begun."""
    if len(tried) >= budget.trials:
        return f"all {budget.trials} trials were made"
    if spent_s >= budget.search_s:
        return f"the time for the search ({budget.search_s:.0f} s) is over"
    if len(tried) >= 2:
        typical_s = sorted(t.outcome.duration_s for t in tried)[len(tried) // 2]
        if spent_s + typical_s > budget.search_s:
            return (
                f"a trial takes {typical_s:.0f} s, and "
                f"{budget.search_s - spent_s:.0f} s are left for the search"
            )
    recent = tried[-FAILURES:]
    if len(recent) == FAILURES and all(t.outcome.state == "failed" for t in recent):
        return f"the last {FAILURES} trials failed: {recent[-1].outcome.reason}"
    if _since_gain(space, tried, objective) >= PATIENCE:
        return f"{PATIENCE} trials in a row gained less than 1 %"
    return ""


def _since_gain(space: Space, tried: Sequence[Tried], objective: Objective) -> int:
    """How many trials there were since the last that was noticeably better than all before."""
    best: float | None = None
    since = 0
    for seen in seen_of(space, tried, objective):
        since += 1
        if seen.score is None:
            continue
        if best is None or seen.score > _times(best, NOTICEABLE):
            best, since = seen.score, 0
    return since


def _times(score: float, factor: float) -> float:
    return score * factor if score >= 0 else score / factor
