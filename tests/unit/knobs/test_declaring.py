"""`gputune.knob` outside of gputune, and what a declaration that cannot be meant raises."""

from __future__ import annotations

import math
from typing import Any

import pytest

import gputune
from gputune.knobs import declaring


def test_outside_of_gputune_it_is_the_scripts_own_value() -> None:
    choices = ["sgd", "adam"]
    assert gputune.knob("optimizer", "adam", choices=choices) == "adam"
    assert gputune.knob("rate", 0.1, low=1e-4, high=1.0, log=True) == 0.1
    assert gputune.knob("cache", True) is True
    assert {"optimizer", "rate", "cache"} <= declaring.asked()


def test_the_last_declaration_of_a_name_is_kept_with_its_value() -> None:
    gputune.knob("kept", 1)
    gputune.knob("kept", 2, low=1, high=3)
    found = [one for one in declaring.declarations() if one.name == "kept"]
    assert [(one.default, one.value, one.low, one.high) for one in found] == [(2, 2, 1, 3)]


@pytest.mark.parametrize(
    ("name", "default", "more", "error", "said"),
    [
        ("", 1, {}, ValueError, "cannot be named"),
        ("1st", 1, {}, ValueError, "a letter, then letters"),
        ("a b", 1, {}, ValueError, "cannot be named"),
        ("was", 1, {}, ValueError, "cannot be named"),
        ("x" * 65, 1, {}, ValueError, "cannot be named"),
        (7, 1, {}, ValueError, "cannot be named"),
        ("n", None, {}, TypeError, "no bool, int, float or str"),
        ("n", [1], {}, TypeError, "no bool, int, float or str"),
        ("n", math.nan, {}, ValueError, "no finite number"),
        ("n", 1, {"choices": [1, [2]]}, TypeError, "no bool, int"),
        ("n", 1, {"choices": [2, 3]}, ValueError, "default 1 is not among its choices"),
        ("n", 1, {"choices": [True, 2]}, ValueError, "not among its choices"),
        ("n", 1, {"choices": [1], "low": 0, "high": 2}, ValueError, "not both"),
        ("n", 1, {"low": 0}, ValueError, "go together"),
        ("n", 1, {"log": True}, ValueError, "log needs low and high"),
        ("n", 5, {"low": 0, "high": 2}, ValueError, "does not lie from low to high"),
        ("n", 2, {"low": 2, "high": 2}, ValueError, "does not lie from low to high"),
        ("n", 1, {"low": 0, "high": 2, "log": True}, ValueError, "low is above 0"),
        ("n", "a", {"low": "a", "high": "b"}, TypeError, "for numbers"),
        ("n", True, {"low": False, "high": True}, TypeError, "for numbers"),
    ],
)
def test_what_cannot_be_meant_is_told(
    name: Any, default: Any, more: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        gputune.knob(name, default, **more)
