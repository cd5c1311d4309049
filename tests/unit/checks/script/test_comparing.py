"""Two outputs beside each other."""

from __future__ import annotations

import math

import numpy as np

from gputune.checks.script.comparing import Difference, difference, leaves, numbers


def test_the_largest_difference_and_the_scale_of_the_first() -> None:
    found = difference([np.array([1.0, -4.0])], [np.array([1.5, -4.0])])
    assert (found.largest, found.scale, found.relative) == (0.5, 4.0, 0.125)
    assert found.text() == "by up to 0.5, where the largest output is 4"


def test_equal_is_equal_to_the_last_bit_also_where_there_is_no_number() -> None:
    odd = np.array([np.nan, np.inf, 1.0])
    assert difference([odd], [odd.copy()]).relative == 0


def test_nan_on_one_side_and_other_shapes_are_no_rounding() -> None:
    one = difference([np.array([1.0])], [np.array([np.nan])])
    assert math.isinf(one.relative) and one.is_more_than_rounding("float16")
    assert "not a number" in one.text()
    shaped = difference([np.ones((2, 1))], [np.ones(2)])
    assert shaped.is_more_than_rounding("float32") and "(2, 1) and (2,)" in shaped.text()
    assert difference([], [np.ones(1)]).is_more_than_rounding("float32")
    assert math.isinf(difference([np.zeros(1)], [np.ones(1)]).relative)


def test_rounding_depends_on_the_type() -> None:
    one = Difference(largest=0.005, scale=1.0)
    assert one.is_more_than_rounding("float32") and not one.is_more_than_rounding("float16")
    assert not Difference(largest=5e-4, scale=1.0).is_more_than_rounding("unknown")


def test_a_structure_is_gone_through_by_key_and_text_is_left_out() -> None:
    assert list(leaves({"b": [1, (2,)], "a": None, "c": 3})) == [1, 2, 3]
    found = numbers({"b": np.array([1]), "a": np.array(["x"]), "c": [np.array([True])]})
    assert [part.tolist() for part in found] == [[1.0], [1.0]]
