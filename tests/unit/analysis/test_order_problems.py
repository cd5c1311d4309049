from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.pipeline import order_problems
from tests.unit.analysis.synthetic import call

RANDOM: dict[str, Any] = {"map_func": {"function": "flip", "random": True}}


def kinds(*methods: str) -> list[tuple[str, int]]:
    """What is wrong with calls in this order, and with which of them (from 1)."""
    calls = [
        call(i, method.removeprefix("random "), **(RANDOM if method.startswith("random") else {}))
        for i, method in enumerate(methods, 1)
    ]
    return [(what, found["id"]) for what, found in order_problems(calls)]


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (("range", "repeat", "cache"), [("cache-after-repeat", 3)]),
        (("range", "random map", "cache"), [("cache-after-random", 3)]),
        (("range", "batch", "shuffle"), [("shuffle-after-batch", 3)]),
        (("range", "padded_batch", "shuffle"), [("shuffle-after-batch", 3)]),
        (("range", "prefetch", "map"), [("prefetch-not-last", 2)]),
        (("range", "prefetch", "batch"), [("prefetch-not-last", 2)]),
        (("range", "prefetch", "cache"), [("cache-after-prefetch", 3)]),
    ],
)
def test_a_call_in_the_wrong_place_is_found(
    methods: tuple[str, ...], expected: list[tuple[str, int]]
) -> None:
    assert kinds(*methods) == expected


@pytest.mark.parametrize(
    "methods",
    [
        ("TFRecordDataset", "cache", "shuffle", "random map", "batch", "repeat", "prefetch"),
        ("range", "map", "cache", "shuffle", "repeat", "batch", "prefetch"),
        ("range", "batch", "unbatch", "shuffle", "batch", "prefetch"),
        # Read ahead, and at the end once more.
        ("range", "prefetch", "map", "batch", "prefetch"),
        ("range", "prefetch", "with_options"),
        ("range",),
        (),
    ],
)
def test_a_good_order_has_no_problems(methods: tuple[str, ...]) -> None:
    assert kinds(*methods) == []


def test_several_problems_are_all_found() -> None:
    found = kinds("range", "random map", "batch", "shuffle", "prefetch", "cache", "map")
    assert sorted(found) == [
        ("cache-after-prefetch", 6),
        ("cache-after-random", 6),
        ("prefetch-not-last", 5),
        ("shuffle-after-batch", 4),
    ]


def test_a_cache_behind_a_repeat_that_ends_is_no_endless_stream() -> None:
    calls = [call(1, "range"), call(2, "repeat", count=3), call(3, "cache")]
    assert list(order_problems(calls)) == []
    endless = [call(1, "range"), call(2, "repeat", count=-1), call(3, "cache")]
    assert [what for what, _ in order_problems(endless)] == ["cache-after-repeat"]
