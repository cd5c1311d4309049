"""The space of a search: dimensions with ordered values, and points as tuples of indices."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gputune.knobs.knob import Place, Table
from gputune.schema.config import DECLARED, Value
from gputune.schema.study import KnobLeftOut

Point = tuple[int, ...]
"""One index a dimension, in the order of `Space.dimensions`."""

BATCH_SIZE = "batch_size"
BATCH_SIZES = (BATCH_SIZE, f"{DECLARED}{BATCH_SIZE}")
"""gputune's knob, and the one that a script may declare of this name."""
MIXED_PRECISION = "mixed_precision"
STEPS_PER_EXECUTION = "steps_per_execution"


def same(first: Value, second: Value) -> bool:
    """Whether two values are one: True is not 1 here, though Python says so."""
    return isinstance(first, bool) == isinstance(second, bool) and first == second


def index_of(values: Sequence[Value], wanted: Value) -> int | None:
    """The index of a value, or None."""
    return next((i for i, value in enumerate(values) if same(value, wanted)), None)


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One knob at one place.

    `values` are in their order (batch sizes are powers of two, so that the index is an exponent);
    `baseline` is the index of the script's own value, `first` of the one to try first, or None.
    `asked` says whether a finding that is a problem or a warning asks for the knob, or the
    script itself, by `gputune.knob`.
    """

    name: str
    """`batch_size`, or `num_parallel_calls@train.py:35` for a knob of one line."""
    knob: str
    values: tuple[Value, ...]
    baseline: int
    first: int | None = None
    place: Place | None = None
    table: Table = "policy"
    takes_effect: str = "process"
    changes: str = "nothing"
    asked: bool = False

    @property
    def ordered(self) -> bool:
        """Whether neighbours resemble each other: some values are numbers."""
        numbers = [v for v in self.values if isinstance(v, (int, float))]
        return sum(not isinstance(v, bool) for v in numbers) >= 2


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """What a combination must hold: it does where `shortfall(knobs)` is 0 or less."""

    name: str
    shortfall: Callable[[Mapping[str, Value]], float]


@dataclass(frozen=True, kw_only=True)
class Space:
    """What is searched.

    `fixed` are the values that the user holds, in every trial but the first: the baseline is the
    script as it is, and `fixed_baseline` are its own values for them.
    """

    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Value]
    fixed_baseline: Mapping[str, Value]
    fixed_places: Mapping[str, Place] = field(default_factory=dict)
    fixed_tables: Mapping[str, Table] = field(default_factory=dict)
    fixed_changes: Mapping[str, str] = field(default_factory=dict)
    """What those that are held change in the training, by name."""
    left_out: tuple[KnobLeftOut, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    @property
    def size(self) -> int:
        """How many combinations there are, invalid ones included."""
        return math.prod(len(d.values) for d in self.dimensions)

    @property
    def baseline(self) -> Point:
        """The script's own values of the dimensions."""
        return tuple(d.baseline for d in self.dimensions)

    @property
    def baseline_knobs(self) -> dict[str, Value]:
        """The script as it is, by name."""
        own = {d.name: d.values[d.baseline] for d in self.dimensions}
        return {**self.fixed_baseline, **own}

    @property
    def baseline_is_inside(self) -> bool:
        """Whether the script as it is, is a point of the space: nothing else is held fixed."""
        return all(same(self.fixed_baseline.get(k), v) for k, v in self.fixed.items())

    def knobs(self, point: Point) -> dict[str, Value]:
        """Name -> value of a point, the fixed ones included."""
        own = {d.name: d.values[i] for d, i in zip(self.dimensions, point, strict=True)}
        return {**self.fixed, **own}

    def changed(self, knobs: Mapping[str, Value]) -> dict[str, Value]:
        """Those of `knobs` that differ from the script as it is: what has to be put in."""
        own = self.baseline_knobs
        return {k: v for k, v in knobs.items() if k not in own or not same(own[k], v)}

    def changes_of(self, name: str) -> str:
        """What a knob changes in the training, be it searched or held: a `knobs.knob.Changes`."""
        found = (d.changes for d in self.dimensions if d.name == name)
        return next(found, self.fixed_changes.get(name, "nothing"))

    def point(self, knobs: Mapping[str, Value]) -> Point | None:
        """The point of these knobs, or None where a value is none of its dimension's."""
        found = [index_of(d.values, knobs.get(d.name)) for d in self.dimensions]
        if any(i is None for i in found) or any(
            k not in knobs or not same(knobs[k], v) for k, v in self.fixed.items()
        ):
            return None
        return tuple(i for i in found if i is not None)

    def position(self, knob: str) -> int | None:
        """Where the (first) dimension of a knob stands, or None."""
        return next((i for i, d in enumerate(self.dimensions) if d.knob == knob), None)

    def shortfalls(self, point: Point) -> dict[str, float]:
        """Each constraint's shortfall at a point; feasible where none is above 0."""
        knobs = self.knobs(point)
        return {c.name: c.shortfall(knobs) for c in self.constraints}

    def valid(self, point: Point) -> bool:
        """Whether the point holds every constraint."""
        return all(value <= 0 for value in self.shortfalls(point).values())

    def points(self) -> Iterator[Point]:
        """All valid points, in the order of their indices."""
        for point in itertools.product(*(range(len(d.values)) for d in self.dimensions)):
            if self.valid(point):
                yield point

    def sha256(self) -> str:
        """What identifies the space: dimensions, their values, what is held fixed."""
        body = {
            "dimensions": [[d.name, list(d.values), d.baseline] for d in self.dimensions],
            "fixed": dict(self.fixed),
            "constraints": [c.name for c in self.constraints],
        }
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def moved(point: Point, position: int, index: int) -> Point:
    """The point with another index at one position."""
    return (*point[:position], index, *point[position + 1 :])
