from __future__ import annotations

import pytest

from gputune.analysis.series import step_series
from gputune.session import events
from tests.unit.analysis.synthetic import Training


def test_a_point_is_a_step_over_the_time_since_the_fit_began() -> None:
    (series,) = step_series(Training(t=50.0).calls(events.CLEAN, 1.0, 0.5, 0.25).seen)
    assert series.name == "step_s"
    assert series.t_s == pytest.approx((1.5, 1.75))
    assert series.value == pytest.approx((0.5, 0.25))


def test_a_call_of_several_steps_is_divided_among_them() -> None:
    fit = Training(steps_per_execution=4).calls(events.CLEAN, 1.0, 2.0).seen
    assert step_series(fit)[0].value == pytest.approx((0.5,))


def test_the_time_between_epochs_and_phases_is_no_step() -> None:
    training = Training().calls(events.WARMUP, 9.0).calls(events.CLEAN, 8.0, 0.5)
    training.next_epoch(gap_s=30.0).calls(events.CLEAN, 7.0, 0.25)
    assert step_series(training.seen)[0].value == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize("slow", [1, 1234, 2999])
def test_thinning_keeps_the_slowest_step_and_when_it_was(slow: int) -> None:
    seconds = [0.01] * 3000
    seconds[slow] = 0.5
    (series,) = step_series(Training().calls(events.CLEAN, *seconds).seen)
    assert len(series.t_s) == len(series.value) <= 400
    assert max(series.value) == pytest.approx(0.5)
    when = series.t_s[series.value.index(max(series.value))]
    assert when == pytest.approx(0.01 * slow + 0.5)


def test_a_single_call_is_no_series() -> None:
    assert step_series(Training().calls(events.CLEAN, 1.0).seen) == ()
