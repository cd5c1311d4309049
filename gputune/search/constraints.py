"""What a combination of settings must hold, so that no trial is spent on one that cannot run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from gputune.schema.config import Value
from gputune.schema.profile import Profile
from gputune.search.space import BATCH_SIZE, STEPS_PER_EXECUTION, Constraint, Dimension

_CALLS: Final = "num_parallel_calls"
_CYCLE: Final = "interleave"


def constraints(
    profile: Profile, dimensions: Sequence[Dimension], fixed: Mapping[str, Value]
) -> tuple[Constraint, ...]:
    """All that hold for these dimensions and held values."""
    names = {d.name for d in dimensions} | set(fixed)
    return (*_steps_of_a_call(profile, names), *_parallel_reads(names))


def _steps_of_a_call(profile: Profile, names: set[str]) -> Iterator[Constraint]:
    """One call must not make more steps than an epoch has."""
    steps = profile.steps
    epoch = next((fit.steps_per_epoch for fit in profile.fits if fit.analysed), None)
    if steps is None or not steps.batch_size or not epoch:
        return
    if not names & {BATCH_SIZE, STEPS_PER_EXECUTION}:
        return
    own_batch, own_steps = steps.batch_size, steps.steps_per_execution
    samples = epoch * own_batch

    def beyond_the_epoch(knobs: Mapping[str, Value]) -> float:
        batch = _count(knobs.get(BATCH_SIZE)) or own_batch
        at_once = _count(knobs.get(STEPS_PER_EXECUTION)) or own_steps
        if batch == own_batch and at_once == own_steps:
            return 0.0  # the script as it is runs
        return batch * at_once / samples - 1

    yield Constraint(name="steps of one call per epoch", shortfall=beyond_the_epoch)


def _parallel_reads(names: set[str]) -> Iterator[Constraint]:
    """An `interleave` reads no more inputs in parallel than it has open (tf.data refuses it)."""
    for name in sorted(names):
        knob, at, place = name.partition("@")
        cycle = f"{_CYCLE}{at}{place}"
        if knob != _CALLS or not at or cycle not in names:
            continue

        def more_than_open(
            knobs: Mapping[str, Value], calls: str = name, cycle: str = cycle
        ) -> float:
            reads, opened = _count(knobs.get(calls)), _count(knobs.get(cycle))
            return reads / opened - 1 if reads and opened else 0.0

        yield Constraint(name=f"parallel reads at {place}", shortfall=more_than_open)


def _count(value: Value) -> int:
    """A number of things; 0 for any other value, such as AUTOTUNE or the script's own."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
