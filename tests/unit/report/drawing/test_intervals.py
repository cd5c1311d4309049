from __future__ import annotations

import pytest

from gputune.report.drawing.intervals import intervals


def test_the_rows_share_one_scale_on_which_1_is_in_view() -> None:
    faster, slower = intervals([(2.0, (1.5, 2.5)), (0.5, (0.4, 0.6))])
    assert faster is not None and slower is not None
    assert faster.one == slower.one
    assert slower.low < slower.middle < slower.high < slower.one
    assert faster.one < faster.low < faster.middle < faster.high
    assert faster.one - slower.middle == pytest.approx(faster.middle - faster.one, abs=0.2)


def test_a_ratio_without_an_interval_is_a_point() -> None:
    (alone,) = intervals([(1.5, None)])
    assert alone is not None
    assert alone.low == alone.middle == alone.high > alone.one


@pytest.mark.parametrize("ratio", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_ratio_is_not_drawn(ratio: float | None) -> None:
    assert intervals([(ratio, None), (2.0, (1.9, 2.1))])[0] is None
    assert intervals([(ratio, None)]) == [None]


def test_an_enormous_interval_ends_at_the_edge() -> None:
    wide, near = intervals([(3.0, (1e-9, 1e9)), (1.1, (1.05, 1.15))])
    assert wide is not None and near is not None
    assert (wide.low, wide.high) == (0.0, 100.0)
    assert 50 < near.middle < 55, "1.1 beside 8 and 1/8"
