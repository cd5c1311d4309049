"""What an expert would try next, from the findings and from what was measured so far.

A pure function of the trials: a study that was killed goes on with the same guesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gputune.schema.config import Value
from gputune.search.space import (
    BATCH_SIZE,
    MIXED_PRECISION,
    STEPS_PER_EXECUTION,
    Dimension,
    Point,
    Space,
    index_of,
    moved,
)

NOTICEABLE = 1.01
"""Ours: a gain below 1 % does not lead anywhere; a trial's own noise is of that size."""
SIMILAR = 1.25
"""Ours: what a value did is held to be still so until the best is 25 % better than what it was
measured beside: by then something else limits the step."""
FAVOURITES: Mapping[str, tuple[Value, ...]] = {
    "prefetch": ("AUTOTUNE",),
    "num_parallel_calls": ("AUTOTUNE",),
    "interleave": (8, 4, 2),
    "deterministic": (False,),
    "cache": ("memory",),
    "mixed_precision": ("mixed_float16", "mixed_bfloat16"),
    "steps_per_execution": (32, 16, 64),
    "jit_compile": (True,),
    "gpu_thread_mode": ("gpu_private",),
}
"""What is right more often than not, the first that a dimension has: TensorFlow's guides to tf.data
(«Better performance with the tf.data API»), to GPU performance («Optimize TensorFlow GPU
performance with the TensorFlow Profiler») and to mixed precision, Keras' on `compile`."""

IN_MEMORY: Mapping[str, Value] = {"cache": "memory", "prefetch": "device"}
"""What keeps elements in memory: of the machine, of the device."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A measured point: its score, larger being better; None where it failed or did not fit.

    `pruned_at` is the rate of one that was ended early. `of_device` says of what ran out of memory
    that it was the device's: only its allocator says how many bytes were missing.
    """

    point: Point
    score: float | None
    out_of_memory: bool = False
    of_device: bool = False
    pruned_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A point to try, and why."""

    point: Point
    why: str


def expert_guess(space: Space, seen: Sequence[Seen]) -> Guess | None:
    """The next point that an expert would try; None where he has no more to say.

    First all first values of the findings at once; then with them whatever is right more often
    than not, and a larger batch. From the best so far on, single changes: first values that it
    lacks, the batch size up as long as it pays, then what is usually right, the neighbours of
    numbers, and last the script's own values: is each change needed at all? A change is not tried
    again that a measurement beside a similar best has shown to be of no use.
    """
    scores = {s.point: s.score for s in seen}
    for guess in _at_once(space):
        if guess.point not in scores and _worth_a_trial(space, seen, guess.point):
            return guess
    best = best_of(seen)
    if best is None:
        return None
    known = {s.point: s.pruned_at if s.score is None else s.score for s in seen}
    for position, index, why in _moves(space, best.point):
        point = _eased(space, moved(best.point, position, index))
        if point in scores or not _worth_a_trial(space, seen, point):
            continue
        if _settled(known, best, position, index):
            continue
        return Guess(point=point, why=why)
    return None


def best_of(seen: Sequence[Seen]) -> Seen | None:
    """The best measured point, the first of equals; None where none was measured."""
    measured = [s for s in seen if s.score is not None]
    return max(measured, key=lambda s: s.score or 0.0, default=None)


def surely_out_of_memory(space: Space, seen: Sequence[Seen], point: Point) -> bool:
    """Whether a batch of this size, or a smaller one, was too large with the same precision.

    And with whatever else the smaller one kept in memory. Where such a batch was measured in
    another point, it is not the batch that was too large: only what differs in nothing else is
    ruled out then.
    """
    batch = space.position(BATCH_SIZE)
    if batch is None:
        return False

    def as_large(one: Point, than: Point, alike: Sequence[int]) -> bool:
        return one[batch] >= than[batch] and all(one[i] == than[i] for i in alike)

    others = [i for i in range(len(point)) if i != batch]
    for s in seen:
        if s.out_of_memory and as_large(point, s.point, alike := _memory(space, s)):
            ran = any(_ran(other) and as_large(other.point, s.point, alike) for other in seen)
            if not ran or as_large(point, s.point, others):
                return True
    return False


def _memory(space: Space, seen: Seen) -> list[int]:
    """The positions that tell what memory a batch needs: of the precision, of what is kept."""
    kept = ("prefetch",) if seen.of_device else ("prefetch", "cache")
    return [
        i
        for i, (d, index) in enumerate(zip(space.dimensions, seen.point, strict=True))
        if d.knob == MIXED_PRECISION or (d.knob in kept and d.values[index] == IN_MEMORY[d.knob])
    ]


def _ran(seen: Seen) -> bool:
    return seen.score is not None or seen.pruned_at is not None


def _worth_a_trial(space: Space, seen: Sequence[Seen], point: Point) -> bool:
    return space.valid(point) and not surely_out_of_memory(space, seen, point)


def _eased(space: Space, point: Point) -> Point:
    """The point with as many steps a call as it may have.

    A larger batch leaves fewer steps in an epoch, and needs fewer a call: the calls for a sample
    are as many as before.
    """
    position = space.position(STEPS_PER_EXECUTION)
    if position is None:
        return point
    for index in range(point[position], -1, -1):
        eased = moved(point, position, index)
        if space.valid(eased):
            return eased
    return point


def _at_once(space: Space) -> Iterator[Guess]:
    """Several first values together: they help each other, or nothing is seen of either."""
    dimensions = space.dimensions
    first = tuple(d.baseline if d.first is None else d.first for d in dimensions)
    if first != space.baseline:
        yield Guess(point=first, why="the findings' first values, all at once")
    usual = tuple(_favourite(d, i) for d, i in zip(dimensions, first, strict=True))
    batch = space.position(BATCH_SIZE)
    if batch is not None:
        # Four times as large; a batch that does not fit says so within seconds.
        top = len(dimensions[batch].values) - 1
        for times in (2, 1):
            larger = _eased(space, moved(usual, batch, min(usual[batch] + times, top)))
            if space.valid(larger):
                yield Guess(point=larger, why="what is usually right, and a larger batch")
                return
    if usual not in (first, space.baseline):
        yield Guess(point=usual, why="what is usually right, all at once")


def _favourite(dimension: Dimension, otherwise: int) -> int:
    if dimension.first is not None:
        return dimension.first
    found = _usual(dimension)
    return otherwise if found is None else found


def _usual(dimension: Dimension) -> int | None:
    indices = (index_of(dimension.values, v) for v in FAVOURITES.get(dimension.knob, ()))
    return next((i for i in indices if i is not None), None)


Move = tuple[int, int, str]
"""Position, index, why."""


def _moves(space: Space, best: Point) -> Iterator[Move]:
    """Single changes of the best point, in the order of their promise."""
    kinds = (
        _first_values, _batch_sizes, _usual_values, _rounding, _neighbours, _all_words, _undone,
    )  # fmt: skip
    for kind in kinds:
        yield from kind(space, best)


def _each(space: Space, best: Point) -> Iterator[tuple[int, Dimension, int]]:
    """Position, dimension, index: those that a finding asks for come first."""
    order = sorted(range(len(best)), key=lambda i: not space.dimensions[i].asked)
    for position in order:
        yield position, space.dimensions[position], best[position]


def _first_values(space: Space, best: Point) -> Iterator[Move]:
    for position, dimension, index in _each(space, best):
        if dimension.first is not None and dimension.first != index:
            yield position, dimension.first, f"{dimension.name}: the findings' first value"


def _batch_sizes(space: Space, best: Point) -> Iterator[Move]:
    position = space.position(BATCH_SIZE)
    if position is None:
        return
    index, values = best[position], space.dimensions[position].values
    for step, why in ((2, "four times"), (1, "twice"), (-1, "half")):
        if 0 <= index + step < len(values):
            yield position, index + step, f"{why} the batch of the best so far"


def _usual_values(space: Space, best: Point) -> Iterator[Move]:
    for position, dimension, index in _each(space, best):
        usual = _usual(dimension)
        if usual is not None and usual != index:
            yield position, usual, f"{dimension.name}: usually right"


def _rounding(space: Space, best: Point) -> Iterator[Move]:
    """What changes the rounding is the least certain to help, and must earn its place first."""
    for position, dimension, index in _each(space, best):
        if dimension.changes == "rounding":
            others = [i for i in range(len(dimension.values)) if i != index]
            for other in sorted(others, key=lambda i: i == dimension.baseline and len(others) > 1):
                yield position, other, f"{dimension.name}: does it help at all?"


def _neighbours(space: Space, best: Point) -> Iterator[Move]:
    for position, dimension, index in _each(space, best):
        if dimension.ordered and dimension.knob != BATCH_SIZE:
            for near in (index + 1, index - 1):
                if 0 <= near < len(dimension.values):
                    yield position, near, f"{dimension.name}: next to the best so far"


def _all_words(space: Space, best: Point) -> Iterator[Move]:
    for position, dimension, _ in _each(space, best):
        if not dimension.ordered:
            for other in range(len(dimension.values)):
                yield position, other, f"{dimension.name}: its other value"


def _undone(space: Space, best: Point) -> Iterator[Move]:
    for position, dimension, index in _each(space, best):
        if index != dimension.baseline and dimension.knob != BATCH_SIZE:
            yield position, dimension.baseline, f"{dimension.name}: is the change needed?"


def _settled(scores: Mapping[Point, float | None], best: Seen, position: int, index: int) -> bool:
    """Whether two points that differ in nothing else showed that this change is of no use."""
    kept: dict[Point, dict[int, float | None]] = {}
    for point, score in scores.items():
        kept.setdefault(moved(point, position, -1), {})[point[position]] = score
    now = best.point[position]
    for by_index in kept.values():
        if now not in by_index or index not in by_index:
            continue
        before, after = by_index[now], by_index[index]
        if before is None:
            continue
        if after is None or (after <= _times(before, NOTICEABLE) and _near(before, best)):
            return True
    return False


def _near(score: float, best: Seen) -> bool:
    return best.score is not None and best.score <= _times(score, SIMILAR)


def _times(score: float, factor: float) -> float:
    """So many times as good: scores are negative where less is better."""
    return score * factor if score >= 0 else score / factor
