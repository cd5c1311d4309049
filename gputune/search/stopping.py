"""When a search ends, and what its budget is divided into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
LENT_FRACTION = 0.5
"""Ours: until something beside the script as it is was measured there is nothing to confirm, and so
the search may use half of the confirmation's time."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why a search ended; `out_of_time` where it would have gone on with a larger budget."""

    reason: str
    out_of_time: bool = False


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
) -> Stop | None:
    """Why the search ends here, if it does. A trial that would not end in time is not begun."""
    if len(tried) >= budget.trials:
        return Stop(reason=f"all {budget.trials} trials were made")
    search_s = budget.search_s
    if not candidates(tried):
        search_s += LENT_FRACTION * budget.confirmation_s
    if spent_s >= search_s:
        return Stop(reason=f"the time for the search ({search_s:.0f} s) is over", out_of_time=True)
    if len(tried) >= 2:
        typical_s = sorted(t.outcome.duration_s for t in tried)[len(tried) // 2]
        if spent_s + typical_s > search_s:
            left = f"{search_s - spent_s:.0f} s are left for the search"
            return Stop(reason=f"a trial takes {typical_s:.0f} s, and {left}", out_of_time=True)
    recent = tried[-FAILURES:]
    if len(recent) == FAILURES and all(t.outcome.state == "failed" for t in recent):
        return Stop(reason=f"the last {FAILURES} trials failed: {recent[-1].outcome.reason}")
    if _since_gain(space, tried, objective) >= PATIENCE:
        return Stop(reason=f"{PATIENCE} trials in a row gained less than 1 %")
    return None


def candidates(tried: Sequence[Tried]) -> list[Tried]:
    """What was measured beside the script as it is, which comes first; pruned trials count."""
    return [t for t in tried[1:] if t.outcome.state in ("complete", "pruned")]


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
