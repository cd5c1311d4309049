from __future__ import annotations

import pytest

from gputune.analysis.series import sensor_series, spans, step_series
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


def test_what_the_sensors_read_is_put_on_the_fits_axis_and_cut_to_it() -> None:
    fit = Training(t=100.0).calls(events.CLEAN, 1.0, 1.0).seen
    curve = [(99.0, 1.0), (100.0, 2.0), (101.5, 3.0), (102.0, 4.0), (102.1, 5.0)]
    (series,) = sensor_series(fit, {"host.cpu_percent": curve, "gpus[0].power_w": curve[:2]})
    assert series.name == "host.cpu_percent"
    assert series.t_s == (0.0, 1.5, 2.0)
    assert series.value == (2.0, 3.0, 4.0)


def test_a_drain_after_the_last_step_is_still_on_the_axis() -> None:
    training = Training(t=100.0).calls(events.CLEAN, 1.0, 1.0)
    fit = training.write(events.DRAIN, t=105.0, batches=4, duration_s=2.0).seen
    (series,) = sensor_series(fit, {"host.cpu_percent": [(101.0, 1.0), (104.0, 3.0)]})
    assert series.t_s == (1.0, 4.0)


def test_many_readings_are_thinned_to_the_means_of_their_bins() -> None:
    fit = Training(t=0.0).calls(events.CLEAN, *[1.0] * 100).seen
    curve = [(index / 100, float(index % 2)) for index in range(10_000)]
    (series,) = sensor_series(fit, {"host.cpu_percent": curve})
    assert len(series.t_s) <= 400
    assert series.value == pytest.approx([0.5] * len(series.value), abs=0.03)


def test_rows_that_follow_one_another_are_one_stretch() -> None:
    training = Training(t=10.0).calls(events.HELD, 1.0, 2.0, block=0).calls(events.REAL, 4.0)
    fit = training.calls(events.HELD, 3.0, block=1).seen
    held = [row for row in fit.rows if row.phase == events.HELD]
    assert spans(fit, held) == ((0.0, 3.0), (7.0, 10.0))


def test_a_picture_of_nothing_but_stripes_is_not_given() -> None:
    training = Training(t=0.0)
    for block in range(101):
        training.calls(events.HELD, 1.0, block=block).calls(events.REAL, 1.0, block=block)
    fit = training.seen
    held = [row for row in fit.rows if row.phase == events.HELD]
    assert spans(fit, held) == ()
    assert len(spans(fit, held[:100])) == 100
