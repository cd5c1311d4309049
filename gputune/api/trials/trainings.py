"""The guard's trainings: each is written down as it ends, so that none is made twice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Protocol

from gputune.schema.config import Value
from gputune.search.storage import Store
from gputune.search.trying import Outcome

GUARD = "guard"
"""The name under which they stand in the study's journal."""


class Trains(Protocol):
    """Whoever can train with other seeds: `measuring.Trials`."""

    def loss(self, knobs: Mapping[str, Value], *, steps: int, seed: int) -> tuple[float, Outcome]:
        """The loss after so many steps, NaN where the run gave none; and how the run ended."""
        ...


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training: what it came to (NaN: no loss, for `reason` where one is known)."""

    knobs: Mapping[str, Value]
    steps: int
    seed: int
    loss: float
    duration_s: float
    reason: str = ""


class Trainings:
    """Makes trainings, and keeps them in the study's journal.

    One whose process failed is told and not kept: the same command makes it again.
    """

    def __init__(self, trains: Trains, store: Store) -> None:
        self._trains = trains
        self._store = store
        self._kept = [_read(one) for one in store.noted(GUARD) or ()]
        self._lost_s = 0.0

    @property
    def steps(self) -> int | None:
        """The steps of those that are kept, None without any."""
        return self._kept[-1].steps if self._kept else None

    @property
    def spent_s(self) -> float:
        """What they took, in all sessions of the study."""
        return sum(one.duration_s for one in self._kept) + self._lost_s

    @property
    def typical_s(self) -> float | None:
        """What one takes, None before there is one."""
        return fmean(one.duration_s for one in self._kept) if self._kept else None

    def kept(self, knobs: Mapping[str, Value], steps: int, seed: int) -> Training | None:
        """The training that was made before, or None."""
        return next(
            (
                one
                for one in self._kept
                if (one.steps, one.seed) == (steps, seed) and dict(one.knobs) == dict(knobs)
            ),
            None,
        )

    def one(self, knobs: Mapping[str, Value], steps: int, seed: int) -> Training:
        """The training of these knobs: the kept one, or made now."""
        before = self.kept(knobs, steps, seed)
        if before is not None:
            return before
        loss, outcome = self._trains.loss(knobs, steps=steps, seed=seed)
        made = Training(
            knobs=dict(knobs), steps=steps, seed=seed, loss=loss, duration_s=outcome.duration_s,
            reason=outcome.reason if outcome.state != "complete" else "",
        )  # fmt: skip
        if outcome.exit_code:
            self._lost_s += made.duration_s
        else:
            self._kept.append(made)
            self._store.note(GUARD, [_plain(one) for one in self._kept])
        return made


def _plain(one: Training) -> dict[str, Any]:
    """As JSON, which has no NaN."""
    return {**asdict(one), "loss": one.loss if math.isfinite(one.loss) else str(one.loss)}


def _read(body: Mapping[str, Any]) -> Training:
    return Training(**{**body, "loss": float(body["loss"])})
