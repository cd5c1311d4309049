"""Spaces and measures with a known best, for the search's tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gputune.schema.config import Value
from gputune.schema.study import Identity
from gputune.search.space import Constraint, Dimension, Space
from gputune.search.stopping import budget
from gputune.search.study import Searching
from gputune.search.trying import Outcome

IDENTITY = Identity(
    script_sha256="a" * 64,
    arguments=("--epochs", "3"),
    environment=(("tensorflow", "2.21"), ("gpu", "none")),
    space_sha256="s",
)


def dimension(name: str, *values: Value, baseline: int = 0, **more: Any) -> Dimension:
    return Dimension(
        name=name, knob=name.partition("@")[0], values=values, baseline=baseline, **more
    )


BATCHES = (8, 16, 32, 64, 128, 256, 512, 1024)


def space(*dimensions: Dimension, **more: Any) -> Space:
    """Batch size (32), prefetch (none), precision (float32), steps per execution (1)."""
    found = dimensions or (
        dimension("batch_size", *BATCHES, baseline=2, changes="training"),
        dimension("prefetch", "none", 1, 2, 4, "AUTOTUNE"),
        dimension("mixed_precision", "float32", "mixed_float16", changes="rounding"),
        dimension("steps_per_execution", 1, 4, 8, 16, 32, 64),
    )
    return Space(**{"dimensions": found, "fixed": {}, "fixed_baseline": {}, **more})


def rate(knobs: Mapping[str, Value]) -> float:
    """Samples/s by a formula whose best is 256, AUTOTUNE, mixed_float16, 32."""
    batch = knobs.get("batch_size", 32)
    assert isinstance(batch, int)
    found = 1000.0 * batch / (batch + 64)
    found *= {"none": 0.7, 1: 0.9, 2: 0.93, 4: 0.95, "AUTOTUNE": 1.0}[knobs.get("prefetch", "none")]
    found *= 1.8 if knobs.get("mixed_precision") == "mixed_float16" else 1.0
    steps = knobs.get("steps_per_execution", 1)
    assert isinstance(steps, int)
    return found * (1 - 0.3 / steps) * (1 - 0.0005 * max(steps - 32, 0))


LARGEST = 256
"""Larger batches than that do not fit."""
BEST = {
    "batch_size": 256, "prefetch": "AUTOTUNE", "mixed_precision": "mixed_float16",
    "steps_per_execution": 32,
}  # fmt: skip


def fits(knobs: Mapping[str, Value]) -> Outcome:
    """The formula's figure, out of memory above a batch of 256."""
    batch = knobs.get("batch_size", 32)
    assert isinstance(batch, int)
    if batch > LARGEST:
        return Outcome(
            state="infeasible", reason="out of memory", shortfall_bytes=1e6 * (batch - LARGEST),
            duration_s=1.0,
        )  # fmt: skip
    return Outcome(state="complete", samples_per_s=rate(knobs), duration_s=1.0)


class Counting:
    """A measure that remembers what it was asked."""

    def __init__(self, answer: Callable[[Mapping[str, Value]], Outcome] = fits) -> None:
        self.answer = answer
        self.asked: list[dict[str, Value]] = []
        self.incumbents: list[float | None] = []

    def measure(self, knobs: Mapping[str, Value], incumbent: float | None) -> Outcome:
        self.asked.append(dict(knobs))
        self.incumbents.append(incumbent)
        return self.answer(knobs)


def searching(where: Space, trials: int = 25, total_s: float = 1e6, **more: Any) -> Searching:
    fields = {"space": where, "budget": budget(trials=trials, total_s=total_s), "seed": 1}
    return Searching(**{**fields, **more})


def at_most(name: str, first: str, second: str, most: int) -> Constraint:
    """The product of two knobs must not be larger."""

    def shortfall(knobs: Mapping[str, Value]) -> float:
        values = [knobs.get(first, 1), knobs.get(second, 1)]
        return math.prod(v for v in values if isinstance(v, int)) / most - 1

    return Constraint(name=name, shortfall=shortfall)
