"""How long the training still is, by arithmetic."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gputune.inject.length import Length, TrainingEnds


def length(calls: int = 0, in_epoch: int = 0, last: int = 0, **known: Any) -> Length:
    stepper = SimpleNamespace(calls=calls, calls_in_epoch=in_epoch, calls_in_last_epoch=last)
    return Length(cast("Any", stepper), **{"epochs": None, "total_calls": None, **known})


def test_of_a_known_training_the_last_epoch_is_kept() -> None:
    found = length(calls=100, in_epoch=4, epochs=15, total_calls=15 * 48)
    assert found.calls_left == 620
    assert found.calls_left_in_epoch == 44
    assert found.calls_to_spare == 620 - 48


@pytest.mark.parametrize(("calls", "ends"), [(671, False), (672, True), (719, True)])
def test_it_ends_where_the_last_epoch_begins(calls: int, ends: bool) -> None:
    found = length(calls=calls, epochs=15, total_calls=15 * 48)
    if ends:
        with pytest.raises(TrainingEnds):
            found.check()
    else:
        found.check()


def test_of_few_epochs_only_the_last_call_is_kept() -> None:
    found = length(calls=98, epochs=1, total_calls=100)
    assert found.calls_to_spare == 1
    found.check()


def test_an_unknown_length_is_told_by_the_epochs_before() -> None:
    found = length(calls=30, in_epoch=10, last=20, epochs=5)
    assert found.calls == 100
    assert found.calls_left_in_epoch == 10
    assert found.calls_to_spare == 50


def test_nothing_known_is_no_end() -> None:
    found = length(calls=10**6)
    assert found.calls is None
    assert math.isinf(found.calls_left)
    assert math.isinf(found.calls_left_in_epoch)
    found.check()
