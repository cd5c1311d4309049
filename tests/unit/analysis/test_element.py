from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.element import Component, element_record, narrowed
from gputune.schema.gpu import ElementTransfer

PICTURES = [["uint8", [None, None, 3]], ["int64", []]]
FLOATS = [["float32", [224, 224, 3]], ["int64", []]]
BATCHED = [["float32", [None, 224, 224, 3]], ["int64", [None]]]
STAGES = [
    {"call": 1, "method": "from_tensor_slices", "components": PICTURES},
    {"call": 2, "method": "map", "components": FLOATS},
    {"call": 3, "method": "batch", "components": BATCHED},
    {"call": 4, "method": "prefetch", "components": BATCHED},
]


def record(
    components: list[Any], stages: list[Any] | None = None, *, held: list[Any] | None = None,
    batch_size: int | None = 32, policy: str | None = "float32",
) -> ElementTransfer:  # fmt: skip
    event = {"components": components, "stages": stages or []}
    batch = None if held is None else {"components": held}
    found = element_record(event, batch, batch_size=batch_size, policy=policy)
    assert found is not None
    return found


def test_a_batch_has_the_bytes_of_its_shapes() -> None:
    found = record(BATCHED)
    assert found.components == ("float32[32,224,224,3]", "int64[32]")
    assert found.expected_h2d_bytes_per_step == 32 * 224 * 224 * 3 * 4 + 32 * 8
    assert (found.narrower_bytes_per_step, found.casts) == (None, ())


def test_the_held_batch_says_what_the_spec_leaves_open() -> None:
    held = [["float32", [7, 5]], ["int64", [7]]]
    found = record([["float32", [None, None]], ["int64", [None]]], held=held)
    assert found.components == ("float32[7,5]", "int64[7]")
    assert found.expected_h2d_bytes_per_step == 7 * 5 * 4 + 7 * 8


def test_replicas_get_their_parts_each() -> None:
    part = [["float64", [4, 10]], ["int64", [4]]]
    found = record([["float64", [None, 10]], ["int64", [None]]], held=part + part)
    assert found.expected_h2d_bytes_per_step == 2 * (4 * 10 * 8 + 4 * 8)
    assert found.narrower_bytes_per_step == 2 * (4 * 10 * 4 + 4 * 8)
    assert found.casts == ("float32 -> float64[4,10]",)


def test_an_unknown_dimension_gives_no_size() -> None:
    found = record([["float32", [None, None, 3]]])
    assert found.components == ("float32[32,?,3]",)
    assert found.expected_h2d_bytes_per_step is None
    assert record([["float32", None]]).components == ("float32[…]",)
    assert record([["float32", [None, 3]]], batch_size=None).expected_h2d_bytes_per_step is None


def test_strings_stay_on_the_host() -> None:
    assert record([["string", [None]], ["int32", [None]]]).expected_h2d_bytes_per_step == 32 * 4


def test_nothing_described_is_no_record() -> None:
    assert element_record(None, None, batch_size=32, policy=None) is None


def test_a_cast_on_the_way_shows_what_was_sent_wider_than_it_was() -> None:
    found = record(BATCHED, STAGES)
    assert found.casts == ("uint8 -> float32[32,224,224,3]",)
    assert found.narrower_bytes_per_step == 32 * 224 * 224 * 3 + 32 * 8


def test_the_narrowest_type_of_several_counts() -> None:
    stages = [
        {"method": "map", "components": [["uint8", [8]]]},
        {"method": "map", "components": [["float16", [8]]]},
        {"method": "batch", "components": [["float32", [None, 8]]]},
    ]
    assert record([["float32", [None, 8]]], stages).casts == ("uint8 -> float32[32,8]",)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ([["uint8", [28, 28, 1]], ["int64", []]], "another shape"),
        ([["float32", [224, 224, 3]], ["int64", []]], "the same type"),
        ([["int64", [224, 224, 3]], ["int64", []]], "a wider type"),
        ([["int64", []], ["uint8", [224, 224, 3]]], "another place"),
        ([["string", []]], "no picture yet"),
        # Before its second batch dimension it would have to be of rank 2.
        ([["uint8", [None, 224, 224, 3]], ["int64", []]], "one dimension too many"),
    ],
)
def test_what_is_no_cast_of_that_component_is_none(before: list[Any], why: str) -> None:
    stages = [{"method": "map", "components": before}, *STAGES[1:]]
    assert record(BATCHED, stages).casts == (), why


def test_parts_that_were_put_together_are_told_by_their_shape() -> None:
    final = [["float32", [None, 8]], ["float32", [None, 3]]]
    one = {"method": "map", "components": [["uint8", [8]]]}
    batch = {"method": "batch", "components": final}
    assert record(final, [one, batch]).casts == ("uint8 -> float32[32,8]",)
    # Two parts of that shape: which of them was the bytes?
    twins = [["float32", [None, 8]], ["float32", [None, 8]]]
    assert record(twins, [one, {**batch, "components": twins}]).casts == ()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("float32", {0: "float32"}), ("mixed_float16", {0: "float32"}), ("float64", {}), (None, {})],
)
def test_float64_is_wider_than_what_most_models_compute_in(
    policy: str | None, expected: dict[int, str]
) -> None:
    spec = [Component("float64", (None, 8)), Component("float32", (None, 8))]
    assert narrowed(spec, [], policy) == expected
