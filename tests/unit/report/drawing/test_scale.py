from __future__ import annotations

import pytest

from gputune.report.drawing.scale import Scale, round_values, upright
from gputune.report.figures import size


def test_values_are_placed_in_proportion_and_at_the_edge_where_they_lie_outside() -> None:
    scale = Scale(low=0.0, high=10.0, start=100.0, end=0.0)
    assert [scale(value) for value in (-5, 0, 2.5, 10, 99)] == [100, 100, 75, 0, 0]


def test_a_logarithmic_scale_gives_each_factor_the_same_room() -> None:
    scale = Scale(low=1.0, high=1000.0, start=0.0, end=30.0, logarithmic=True)
    assert [scale(value) for value in (1, 10, 100, 1000)] == [0, 10, 20, 30]
    assert [tick.text for tick in scale.ticks(str, 3)] == ["1.0", "10.0", "100.0", "1000.0"]


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 10.0, 5, (0, 2, 4, 6, 8, 10)),
        (0.0, 1.0, 3, (0, 0.5, 1.0)),
        (3.0, 47.0, 4, (20, 40)),
        (0.0, 0.3, 3, (0, 0.1, 0.2, 0.3)),
        (5.0, 5.0, 3, (5.0,)),
    ],
)
def test_labels_stand_at_round_values(
    low: float, high: float, most: int, expected: tuple[float, ...]
) -> None:
    assert round_values(low, high, most) == pytest.approx(expected)


def test_bytes_have_round_values_of_their_own() -> None:
    scale = Scale(low=0.0, high=1.2 * 2**30, start=100.0, end=0.0)
    assert [tick.text for tick in scale.ticks(size, 3, binary=True)] == [
        "0 B", "512 MiB", "1 GiB"
    ]  # fmt: skip


def test_values_far_apart_are_drawn_logarithmically_and_others_from_zero() -> None:
    assert upright([0.01, 2.0], top=0.0, bottom=100.0).logarithmic
    near = upright([0.01, 0.02], top=0.0, bottom=100.0)
    assert not near.logarithmic
    assert near(0.0) == 100.0
    assert not upright([0.0, 2.0], top=0.0, bottom=100.0).logarithmic, "0 has no logarithm"
