"""The search itself: propose, measure, write down; until a reason to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gputune.schema.config import Value
from gputune.schema.study import Budget
from gputune.search.candidates import has_same_batch
from gputune.search.keeping import Keeper
from gputune.search.propose import Proposal, propose
from gputune.search.space import Space
from gputune.search.stopping import Stop, why_stop
from gputune.search.trying import Measure, Objective, Tried, score, sound

Listener = Callable[[Tried], None]


@dataclass(frozen=True, kw_only=True)
class Searched:
    """The trials of a search, and why it ended.

    `failed` is the reason for which there is no answer: the script fails as it is. `out_of_time`
    says that the search would have gone on with a larger budget.
    """

    tried: tuple[Tried, ...]
    stopped: str
    failed: str = ""
    out_of_time: bool = False


@dataclass(frozen=True, kw_only=True)
class Searching:
    """What a search is to do.

    `spent_before_s` is what the budget has lost before the first trial: the profile's run. `clock`
    gives seconds; `should_stop` is asked between trials, and a true answer ends the search with
    all that was measured kept (one Ctrl-C); `on_trial` is called with each trial as it ends.
    """

    space: Space
    budget: Budget
    objective: Objective = "throughput"
    seed: int = 0
    spent_before_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    should_stop: Callable[[], bool] = lambda: False
    on_begin: Callable[[int, Mapping[str, Value], str], None] = lambda number, knobs, why: None
    on_trial: Listener = lambda _: None


def search(measure: Measure, store: Keeper, what: Searching) -> Searched:
    """Measure the script as it is, then what the expert and the sampler propose.

    Whatever the store holds counts: trials are not made again, their seconds are spent. A trial
    that is broken off (KeyboardInterrupt, or any error that `measure` raises) is closed in the
    store, and the exception goes on.
    """
    tried = store.tried()
    resumed_s = max([what.spent_before_s, *(t.began_s + t.outcome.duration_s for t in tried)])
    began = what.clock()

    def spent_s() -> float:
        return resumed_s + what.clock() - began

    while True:
        if tried and tried[0].outcome.state != "complete":
            reason = tried[0].outcome.reason
            return Searched(tried=tried, stopped="the script fails as it is", failed=reason)
        stopped = _stopped(what, tried, spent_s())
        if stopped is not None:
            return Searched(tried=tried, stopped=stopped.reason, out_of_time=stopped.out_of_time)
        proposal = None
        if tried:
            proposal = propose(
                what.space,
                tried,
                objective=what.objective,
                seed=what.seed,
                left=what.budget.trials - len(tried),
            )
            if proposal is None:
                return Searched(tried=tried, stopped="every configuration was tried")
        _one(measure, store, what, proposal, tried, spent_s())
        tried = store.tried()
        what.on_trial(tried[-1])


def _stopped(what: Searching, tried: tuple[Tried, ...], spent_s: float) -> Stop | None:
    if what.should_stop():
        return Stop(reason="you ended it", out_of_time=True)
    if not tried:
        return None  # without the script as it is there is nothing to compare with
    return why_stop(what.space, tried, spent_s, what.budget, what.objective)


def _one(
    measure: Measure, store: Keeper, what: Searching, proposal: Proposal | None,
    tried: tuple[Tried, ...], began_s: float,
) -> None:  # fmt: skip
    knobs = what.space.baseline_knobs if proposal is None else what.space.knobs(proposal.point)
    why = "the script as it is" if proposal is None else proposal.why
    what.on_begin(len(tried), knobs, why)
    ticket = store.begin(proposal, knobs, began_s)
    before = what.clock()
    try:
        outcome = sound(measure.measure(knobs, rate_to_beat(what.space, tried, knobs)))
    except BaseException:  # also Ctrl-C: the trial is known as cut off
        store.interrupt(ticket)
        raise
    if outcome.duration_s <= 0 or not math.isfinite(outcome.duration_s):
        outcome = replace(outcome, duration_s=what.clock() - before)
    value = score(outcome, what.objective, tried[0].outcome if tried else outcome)
    store.finish(ticket, outcome, value)


def rate_to_beat(
    space: Space, tried: tuple[Tried, ...], knobs: Mapping[str, Value]
) -> float | None:
    """The best samples/s so far in the contest that these knobs are in, None before there is any.

    With the script's own batch size it is to be the best of those that leave it alone, however
    fast a larger batch is: the study has an answer for either.
    """
    kept = has_same_batch(space, knobs)
    rates = [
        t.outcome.samples_per_s
        for t in tried
        if t.outcome.state == "complete" and (not kept or has_same_batch(space, t.knobs))
    ]
    return max((r for r in rates if r is not None), default=None)
