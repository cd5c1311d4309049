from __future__ import annotations

import math

import pytest

from gputune.analysis.input_wait import input_wait
from gputune.session import events
from tests.unit.analysis.synthetic import Training

HELD, REAL, SETTLE = events.HELD, events.REAL, events.SETTLE


def test_the_wait_is_what_the_real_step_has_over_the_held_one() -> None:
    wait = input_wait(Training().pairs(0.03, [0.04] * 4).seen)
    assert wait is not None
    assert wait.fraction == pytest.approx(0.25)
    assert wait.interval == pytest.approx((0.25, 0.25))
    assert (wait.held_step_s, wait.real_step_s) == (pytest.approx(0.03), pytest.approx(0.04))
    assert wait.pairs == 4


def test_the_interval_is_students_on_the_logarithms_of_the_pairs() -> None:
    # Held ÷ real is 1/2 and 1/8: the geometric mean is 1/4, each ln 2 away from it.
    wait = input_wait(Training().pairs(1.0, [2.0, 8.0]).seen)
    assert wait is not None and wait.interval is not None
    factor = math.exp(12.706 * math.log(2))
    assert wait.fraction == pytest.approx(0.75)
    assert wait.interval[0] == pytest.approx(1 - factor / 4, rel=1e-2)
    assert wait.interval[1] == pytest.approx(1 - 1 / (4 * factor), rel=1e-2)


def test_no_wait_has_an_interval_around_nothing_and_a_share_that_is_not_negative() -> None:
    wait = input_wait(Training().pairs(0.10, [0.099, 0.1, 0.098, 0.1]).seen)
    assert wait is not None and wait.interval is not None
    assert wait.fraction == 0
    assert wait.interval[0] < 0 < wait.interval[1]


def test_the_settling_calls_and_the_first_call_of_a_block_do_not_count() -> None:
    training = Training()
    for block in range(2):
        training.calls(SETTLE, 9.0, block=block).calls(HELD, 9.0, 1.0, 1.0, block=block)
        training.calls(SETTLE, 9.0, block=block).calls(REAL, 9.0, 2.0, 2.0, block=block)
    wait = input_wait(training.seen)
    assert wait is not None
    assert wait.fraction == pytest.approx(0.5)


def test_blocks_of_one_long_call_count_by_that_call() -> None:
    wait = input_wait(Training().pairs(1.0, [4.0, 4.0], calls=1).seen)
    assert wait is not None
    assert wait.fraction == pytest.approx(0.75)


def test_what_lies_between_held_calls_is_per_step() -> None:
    training = Training(steps_per_execution=2).pairs(1.0, [2.0], between_s=0.1)
    wait = input_wait(training.seen)
    assert wait is not None
    assert wait.held_between_s == pytest.approx(0.05)
    assert (wait.held_step_s, wait.real_step_s) == (pytest.approx(0.5), pytest.approx(1.0))


def test_one_pair_has_no_interval() -> None:
    wait = input_wait(Training().pairs(1.0, [2.0]).seen)
    assert wait is not None
    assert (wait.interval, wait.pairs) == (None, 1)


def test_an_unfinished_pair_is_left_out() -> None:
    training = Training().pairs(1.0, [2.0, 2.0]).calls(HELD, 5.0, 5.0, block=2)
    wait = input_wait(training.seen)
    assert wait is not None
    assert (wait.pairs, wait.fraction) == (2, pytest.approx(0.5))


@pytest.mark.parametrize("phase", [events.CLEAN, HELD, REAL])
def test_without_a_whole_pair_there_is_no_answer(phase: str) -> None:
    assert input_wait(Training().calls(phase, 1.0, 1.0, 1.0).seen) is None
