"""The guard: what must hold of a configuration before it is recommended, and the figures for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from gputune.analysis.statistics import t_quantile
from gputune.knobs.learning_rate import scaled, scaling_rule
from gputune.schema.config import Value
from gputune.schema.study import Check
from gputune.search.space import BATCH_SIZE, STEPS_PER_EXECUTION, Space, same

HEAD_ROOM_FRACTION = 0.10
"""Of the GPU's memory: a batch that just fits runs out of memory later, on a longer sentence or
a fragmented allocator (pytorch-lightning#20447, #21154)."""
LOSS = "loss"
LEAST_SEEDS = 5
"""Ours: with fewer the deviation between seeds is hardly known, and the interval so wide that
everything lies in it."""


def head_room(
    candidate: str,
    peak_bytes: float | None,
    limit_bytes: float | None,
    *,
    fraction: float = HEAD_ROOM_FRACTION,
) -> Check:
    """Whether the peak leaves so much of the GPU's memory free; None where either is unknown."""
    if peak_bytes is None or not limit_bytes:
        return Check(
            candidate=candidate, check="head-room", passed=None,
            evidence="the peak of the GPU's memory was not measured",
        )  # fmt: skip
    free = 1 - peak_bytes / limit_bytes
    return Check(
        candidate=candidate,
        check="head-room",
        passed=free >= fraction,
        evidence=f"at its peak it leaves {max(free, 0.0):.1%} of {limit_bytes / 1e9:.3g} GB free; "
        f"{fraction:.0%} is asked for",
    )


def prediction_interval(
    values: Sequence[float], *, future: int = 1, level: float = 0.95
) -> tuple[float, float]:
    """Where the mean of so many future values lies, by values of the same normal distribution.

    `mean ± t · s · sqrt(1/future + 1/n)` (Hahn and Meeker, «Statistical Intervals», 4.8). Raises
    ValueError for fewer than two values or no future one.
    """
    n = len(values)
    if n < 2 or future < 1:
        raise ValueError("a prediction needs two values or more, and one to predict")
    half = t_quantile(0.5 + level / 2, n - 1) * stdev(values)
    half *= math.sqrt(1 / future + 1 / n)
    return fmean(values) - half, fmean(values) + half


def loss(candidate: str, losses: Sequence[float], baseline: Sequence[float]) -> Check:
    """Whether a candidate's losses, a seed each, are what the baseline's seeds let expect.

    Both after the same number of samples. It fails above the 95 % prediction interval of at least
    five baseline seeds, or where a loss is no number. Below it the training is another as well, and
    no worse one: that is told, and no reason to refuse it.
    """

    def check(passed: bool | None, evidence: str) -> Check:
        return Check(candidate=candidate, check=LOSS, passed=passed, evidence=evidence)

    if any(not math.isfinite(value) for value in losses):
        return check(False, "the loss is no number in one of its seeds")
    usable = [value for value in baseline if math.isfinite(value)]
    if len(usable) < LEAST_SEEDS or not losses:
        return check(
            None,
            f"{len(usable)} seeds of the baseline and {len(losses)} of the candidate: "
            f"{LEAST_SEEDS} and 1 are needed to say",
        )
    low, high = prediction_interval(usable, future=len(losses))
    mean = fmean(losses)
    where = (
        "inside" if low <= mean <= high else "above" if mean > high else "below (which is better)"
    )
    other = ": another training than the script's, and no worse one" if mean < low else ""
    return check(
        mean <= high,
        f"mean loss {mean:.4g} over {len(losses)} seeds, {where} the interval {low:.4g} to "
        f"{high:.4g} that {len(usable)} seeds of the baseline predict{other}",
    )


def checks_needed(space: Space, changed: Sequence[str]) -> tuple[str, ...]:
    """The checks that a configuration needs, by what its knobs change in the training.

    Head-room always; the loss for what changes rounding or the order of elements. What changes the
    training itself (the batch size) is reported with its learning-rate rule: that its loss curve
    is another is no fault.
    """
    kinds = {space.changes_of(name) for name in changed}
    return ("head-room", LOSS) if kinds & {"order", "rounding"} else ("head-room",)


def put_back(space: Space, knobs: Mapping[str, Value]) -> tuple[str, ...]:
    """What of a configuration has the script's own value where its loss is compared.

    What changes the training itself (the batch size, whatever the script declares): the loss would
    be another, over another number of samples. And the steps of one call: the trainings end with a
    call, and would end after different numbers of steps.
    """
    return tuple(
        name
        for name in space.changed(knobs)
        if space.changes_of(name) == "training" or name.partition("@")[0] == STEPS_PER_EXECUTION
    )


def refused(checks: Sequence[Check]) -> str:
    """Why a configuration is not recommended, or nothing."""
    return "; ".join(f"{c.check}: {c.evidence}" for c in checks if c.passed is False)


def learning_rate_advice(
    optimizer: str, batch_size: int, was: int, learning_rate: float | None = None
) -> str:
    """What goes with another batch size, and what stands behind it, in a sentence or two."""
    if batch_size == was:
        return ""
    rule = scaling_rule(optimizer)
    factor = scaled(1.0, batch_size=batch_size, was=was, optimizer=optimizer)
    how = f"multiply the learning rate by {factor:.3g}"
    if learning_rate is not None:
        to = scaled(learning_rate, batch_size=batch_size, was=was, optimizer=optimizer)
        how = f"set the learning rate to {to:.3g} (it was {learning_rate:.3g})"
    return (
        f"A batch of {batch_size} instead of {was} trains otherwise: {how} ({rule} rule for "
        f"{optimizer}). The rule is a start: how many epochs it takes was not measured here."
    )


def batch_size_of(space: Space, knobs: dict[str, Value]) -> int | None:
    """The batch size of a configuration where it is not the script's own."""
    name = next((d.name for d in space.dimensions if d.knob == BATCH_SIZE), BATCH_SIZE)
    own, value = space.baseline_knobs.get(name), knobs.get(name)
    if same(own, value) or not isinstance(value, int) or isinstance(value, bool):
        return None
    return value
