"""What to try next: the baseline, then the expert, then the sampler; or all, where few are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gputune.search.heuristics import Seen, expert_guess, surely_out_of_memory
from gputune.search.sampler import sampled
from gputune.search.space import Point, Space
from gputune.search.trying import Objective, Source, Tried, score

SAMPLER_FROM = 16
SAMPLER_EVERY = 4
"""From the 16th trial on every fourth is the sampler's: the expert changes one thing at a time, and
sees nothing of what only two changes together would do."""

ENUMERABLE = 100_000
"""Ours: larger spaces are never tried in full, and walking through them would take a second."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A point to measure, who proposes it, and why."""

    point: Point
    source: Source
    why: str


def seen_of(space: Space, tried: Sequence[Tried], objective: Objective) -> tuple[Seen, ...]:
    """The trials as the heuristics see them."""
    baseline = tried[0].outcome if tried else None
    return tuple(
        Seen(
            point=t.point,
            score=score(t.outcome, objective, baseline),
            out_of_memory=t.outcome.state == "infeasible",
            of_device=t.outcome.shortfall_bytes is not None,
            pruned_at=t.outcome.pruned_at,
        )
        for t in tried
        if t.point is not None
    )


def propose(
    space: Space, tried: Sequence[Tried], *, objective: Objective, seed: int, left: int
) -> Proposal | None:
    """The next point, which is none of those that were tried; None where nothing is left.

    A pure function of the trials and the seed. `left` is how many trials may still be made: where
    no more points than that are left, all of them are taken.
    """
    seen = seen_of(space, tried, objective)
    rest = _rest(space, seen, left)
    if rest is not None and not rest:
        return None
    turn = len(tried) >= SAMPLER_FROM and len(tried) % SAMPLER_EVERY == 0
    guess = None if turn and rest is None else expert_guess(space, seen)
    if guess is not None:
        return Proposal(point=guess.point, source="expert", why=guess.why)
    if rest is not None:
        why = f"one of the last {len(rest)}, all of which are tried"
        return Proposal(point=rest[0], source="rest", why=why)
    point = sampled(space, tried, objective, seen, seed)
    if point is not None:
        return Proposal(point=point, source="sampler", why="TPE")
    return None


def _rest(space: Space, seen: Sequence[Seen], left: int) -> list[Point] | None:
    """The points that are left where they are no more than the trials left, or else None."""
    if space.size > ENUMERABLE:
        return None
    known = {s.point for s in seen}
    rest = []
    for point in space.points():
        if point in known or surely_out_of_memory(space, seen, point):
            continue
        rest.append(point)
        if len(rest) > max(left, 1):
            return None
    return rest
