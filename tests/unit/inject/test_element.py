"""What is written of a batch's element spec."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gputune.inject.element import assumed, batches, components, describe, last_batch_size
from gputune.session import events
from tests.unit.inject.pipelines import Recorded
from tests.unit.inject.watching import MemoryLog


class Replicas:
    """A value of which each replica has its own."""

    def __init__(self, *values: Any) -> None:
        self.values = values


class Shape(tuple):
    rank = property(len)

    def as_list(self) -> list[int | None]:
        return list(self)


UNKNOWN = SimpleNamespace(rank=None)
TF = SimpleNamespace(
    nest=SimpleNamespace(flatten=lambda x, expand_composites=False: list(x)),
    distribute=SimpleNamespace(DistributedValues=Replicas),
)


def part(dtype: str, *shape: int | None) -> Any:
    return SimpleNamespace(dtype=SimpleNamespace(name=dtype), shape=Shape(shape))


SPEC = (part("float32", None, 8), part("int64", None))


def test_components_are_types_and_shapes_and_what_is_not_known_is_none() -> None:
    odd = SimpleNamespace(dtype=SimpleNamespace(name="int32"), shape=UNKNOWN)
    no_tensor = SimpleNamespace()
    found = components(TF, (*SPEC, odd, no_tensor))  # type: ignore[arg-type]
    assert found == [("float32", [None, 8]), ("int64", [None]), ("int32", None), ("", None)]


def test_a_real_batch_is_one_for_each_replica() -> None:
    plain = (part("float32", 4, 8), part("int64", 4))
    one = [("float32", (4, 8)), ("int64", (4,))]
    assert batches(TF, plain) == [one]  # type: ignore[arg-type]
    both = tuple(Replicas(p, p) for p in plain)
    assert batches(TF, both) == [one, one]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spec", "size", "expected"),
    [
        (SPEC, 16, [[("float32", (16, 8)), ("int64", (16,))]]),
        (SPEC, None, []),
        ((part("float32", None, None),), 16, []),
        ((part("float32", 4, 8),), None, [[("float32", (4, 8))]]),
        ((part("float32", 4, 8), SimpleNamespace(dtype=None, shape=UNKNOWN)), 4, []),
        (None, 16, []),
    ],
)
def test_only_the_size_of_the_batch_is_filled_in(
    spec: Any, size: int | None, expected: Any
) -> None:
    assert assumed(TF, spec, size) == expected  # type: ignore[arg-type]


def test_of_replicas_the_first_ones_share_stands_for_all_and_no_size_is_assumed() -> None:
    spec = tuple(SimpleNamespace(_value_specs=(p, p)) for p in SPEC)
    assert components(TF, spec) == [("float32", [None, 8]), ("int64", [None])]  # type: ignore[arg-type]
    assert assumed(TF, spec, 16) == []  # type: ignore[arg-type]


def recorded() -> Recorded:
    def dataset(*spec: Any) -> Any:
        return SimpleNamespace(element_spec=spec)

    raw, cast = dataset(part("uint8", 8)), dataset(part("float32", 8))
    calls = Recorded("from_tensor_slices", raw).then("map", cast)
    batched = dataset(part("float32", None, 8))
    return calls.then("batch", batched, batch_size=16).then("prefetch", batched)


def test_the_stages_are_written_from_the_source_on() -> None:
    log = MemoryLog()
    record = SimpleNamespace(write=log.write)
    describe(TF, record, recorded(), (part("float32", None, 8),), 4)  # type: ignore[arg-type]
    (event,) = log.of(events.ELEMENT)
    assert event["components"] == [("float32", [None, 8])]
    assert [(s["call"], s["method"], s["components"]) for s in event["stages"]] == [
        (1, "from_tensor_slices", [("uint8", [8])]),
        (2, "map", [("float32", [8])]),
        (3, "batch", [("float32", [None, 8])]),
        (4, "prefetch", [("float32", [None, 8])]),
    ]


def test_without_an_iterator_there_is_a_reason() -> None:
    said: list[tuple[str, str]] = []
    record = SimpleNamespace(unavailable=lambda *why: said.append(why))
    describe(TF, record, None, None, None)  # type: ignore[arg-type]
    assert said[0][0] == "element"
    assert "tf.data" in said[0][1]


def test_the_batch_size_is_that_of_the_last_batch_call() -> None:
    calls = recorded()
    assert last_batch_size(calls, 4) == 16  # type: ignore[arg-type]
    assert last_batch_size(calls, 2) is None  # type: ignore[arg-type]
    assert last_batch_size(None, 4) is None
