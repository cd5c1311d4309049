from __future__ import annotations

from typing import Any

from gputune.analysis.run import choose_fit, read_run
from gputune.session import events
from tests.unit.analysis.synthetic import Training, call

ROW = [1.0, 2.0, 3.0, 1, 0, events.CLEAN, 0]


def fit_begin(number: int = 1) -> dict[str, Any]:
    return {"event": events.FIT_BEGIN, "fit": number, "t": 0.0}


def steps(*rows: Any, fit: int = 1) -> dict[str, Any]:
    return {"event": events.STEPS, "fit": fit, "rows": list(rows)}


def test_events_are_sorted_to_the_fit_that_they_name() -> None:
    run = read_run([fit_begin(1), fit_begin(2), steps(ROW, fit=2), steps(ROW, ROW, fit=1)])
    assert [(fit.number, len(fit.rows)) for fit in run.fits] == [(1, 2), (2, 1)]


def test_a_row_becomes_its_fields() -> None:
    (row,) = read_run([fit_begin(), steps([1.0, 2.0, 3.0, 4, 5, events.HELD, 6])]).fits[0].rows
    assert (row.t_enter, row.t_exit, row.t_end) == (1.0, 2.0, 3.0)
    assert (row.steps, row.epoch, row.phase, row.block) == (4, 5, events.HELD, 6)


def test_damaged_rows_are_left_out_and_the_others_kept() -> None:
    run = read_run([fit_begin(), steps(ROW, ROW[:4], [], None, 7, [*ROW, 1], ROW)])
    assert len(run.fits[0].rows) == 2


def test_unknown_events_and_those_of_unknown_fits_change_nothing() -> None:
    run = read_run([fit_begin(), {"event": "from-the-future", "fit": 1}, steps(ROW, fit=9)])
    assert run.fits[0].rows == []


def test_what_belongs_to_no_fit_is_the_runs() -> None:
    run = read_run(
        [
            {"event": events.START, "t": 1.0, "pid": 5},
            {"event": events.ENVIRONMENT, "tensorflow": "2.21"},
            {"event": events.ENVIRONMENT, "keras": "3.15"},
            call(3, "map"),
            {"event": events.OPENED, "path": "/a"},
            {"event": events.REDIRECTED, "path": "/b", "to": "/scratch/b"},
            {"event": events.HOOK_DISABLED, "hook": "fit", "error": "x"},
            {"event": events.STYLE, "style": "tf_keras", "note": "n"},
            {"event": events.END, "t": 9.0, "how": "stopped"},
        ]
    )
    assert run.start["pid"] == 5
    assert run.environment == {"tensorflow": "2.21", "keras": "3.15"}
    assert list(run.calls) == [3]
    assert (run.opened, run.redirected) == (["/a"], ["/b"])
    assert (len(run.disabled), len(run.styles)) == (1, 1)
    assert run.stopped


def test_a_script_that_ended_by_itself_or_was_killed_was_not_stopped() -> None:
    assert not read_run([]).stopped
    assert not read_run([{"event": events.END, "t": 9.0, "how": "exit"}]).stopped


def test_the_events_of_a_fit_are_kept() -> None:
    training = Training()
    training.write(events.DRAIN, batches=4).write(events.HELD_BATCH, batch_size=8)
    training.write(events.TRACE, logdir="x").write(events.UNAVAILABLE, metric="m", reason="r")
    training.write(events.MODEL, phase="end").write(events.PHASE, name="clean")
    training.clean_ends(None).next_epoch().write(events.FIT_END, iterations=3)
    fit = training.seen
    assert fit.drain is not None and fit.held_batch is not None and fit.trace is not None
    assert fit.end is not None and fit.clean_end is not None
    counted = (len(fit.models), len(fit.phases), len(fit.unavailable), len(fit.epochs))
    assert counted == (1, 1, 1, 3)


def test_the_wanted_fit_is_chosen_or_none() -> None:
    fits = read_run([fit_begin(1), fit_begin(2)]).fits
    wanted = choose_fit(fits, 2)
    assert wanted is not None and wanted.number == 2
    assert choose_fit(fits, 3) is None
    assert choose_fit([], None) is None


def test_unasked_the_first_measured_fit_is_chosen_a_whole_measurement_first() -> None:
    fits = read_run([fit_begin(1), fit_begin(2), fit_begin(3), steps(*[ROW] * 5, fit=1)]).fits
    fits[1].clean_end = {"since": None}
    fits[2].clean_end = {"since": None}
    assert choose_fit(fits, None) is fits[1]
    fits[2].held_batch = {"batch_size": 8}
    assert choose_fit(fits, None) is fits[2]


def test_where_none_was_measured_the_longest_is_chosen() -> None:
    fits = read_run([fit_begin(1), fit_begin(2), steps(ROW, fit=1), steps(ROW, ROW, fit=2)]).fits
    assert choose_fit(fits, None) is fits[1]
