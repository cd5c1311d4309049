"""Who goes into the confirmation: the best of all, the best with the same batch, the next ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gputune.schema.config import DECLARED, Value
from gputune.search.space import BATCH_SIZE, Space, same
from gputune.search.trying import Objective, Tried, score


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Trials in the order of their promise, better than the baseline by the search's own figures.

    `overall` and `same_batch` may name the same trials; either may be empty.
    """

    overall: tuple[Tried, ...]
    same_batch: tuple[Tried, ...]


def candidates(
    space: Space, tried: Sequence[Tried], objective: Objective, *, refused: Sequence[int] = ()
) -> Candidates:
    """The candidates without the refused ones (by trial number), best first.

    A configuration that is no better than the script as it is, is no candidate.
    """
    if not tried:
        return Candidates(overall=(), same_batch=())
    baseline = tried[0]
    own = score(baseline.outcome, objective, baseline.outcome)
    scored = [
        (value, t)
        for t in tried[1:]
        if t.number not in refused
        and (value := score(t.outcome, objective, baseline.outcome)) is not None
        and (own is None or value > own)
    ]
    best = tuple(t for _, t in sorted(scored, key=lambda pair: (-pair[0], pair[1].number)))
    kept = tuple(t for t in best if has_same_batch(space, t.knobs))
    return Candidates(overall=best, same_batch=kept)


def has_same_batch(space: Space, knobs: Mapping[str, Value]) -> bool:
    """Whether the batch size is the script's own, and all else that changes its training.

    A knob that the script declares may be anything: a width, a number of layers, a batch size.
    """
    own = space.baseline_knobs
    searched = {d.name for d in space.dimensions if d.changes == "training"}
    names = {*searched, *(name for name in own if name.startswith(DECLARED)), BATCH_SIZE}
    return all(same(own[name], knobs.get(name)) for name in names if name in own)
