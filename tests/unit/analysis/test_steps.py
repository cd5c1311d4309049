from __future__ import annotations

import pytest

from gputune.analysis.steps import (
    between_calls,
    clean_rows,
    clean_windows,
    phase_durations,
    phase_records,
    step_count,
    steps_record,
)
from gputune.session import events
from tests.unit.analysis.synthetic import Training

CLEAN, WARMUP, HELD, REAL = events.CLEAN, events.WARMUP, events.HELD, events.REAL


def test_a_call_lasts_from_the_end_of_the_one_before_it() -> None:
    fit = Training().calls(CLEAN, 9.0, 0.1, 0.2).seen
    assert phase_durations(fit, CLEAN) == pytest.approx([0.1, 0.2])


def test_the_first_call_of_an_epoch_is_left_out() -> None:
    training = Training().calls(CLEAN, 9.0, 0.1).next_epoch(gap_s=50.0).calls(CLEAN, 7.0, 0.2)
    assert phase_durations(training.seen, CLEAN) == pytest.approx([0.1, 0.2])


def test_the_first_call_of_a_phase_and_of_a_block_is_left_out() -> None:
    training = Training().calls(WARMUP, 9.0).calls(CLEAN, 8.0, 0.1)
    training.calls(HELD, 7.0, 0.2, block=0).calls(HELD, 6.0, 0.3, block=1)
    fit = training.seen
    assert phase_durations(fit, CLEAN) == pytest.approx([0.1])
    assert phase_durations(fit, HELD) == pytest.approx([0.2, 0.3])
    assert phase_durations(fit, HELD, 1) == pytest.approx([0.3])
    assert phase_durations(fit, REAL) == []


def test_epochs_of_one_call_are_timed_by_the_calls_themselves() -> None:
    training = Training()
    for seconds in (0.1, 0.2, 0.3):
        training.calls(CLEAN, seconds).next_epoch(gap_s=5.0)
    assert phase_durations(training.seen, CLEAN) == pytest.approx([0.1, 0.2, 0.3])


def test_between_the_calls_is_from_one_return_to_the_next_call() -> None:
    training = Training().calls(HELD, 1.0, 0.5, 0.5, between_s=0.2)
    # What lies before the first call of a block or of an epoch is gputune's or the epoch's.
    training.calls(HELD, 1.0, 0.5, between_s=0.3, block=1)
    training.next_epoch(gap_s=9.0).calls(HELD, 1.0, 0.5, between_s=0.4, block=1)
    assert between_calls(training.seen, HELD) == pytest.approx([0.2, 0.2, 0.3, 0.4])


def test_clean_begins_where_the_step_had_settled() -> None:
    training = Training().calls(WARMUP, 3.0, 3.0).calls(CLEAN, 2.0, 1.0)
    since = training.t
    training.calls(CLEAN, 0.5, 0.5, 0.5).clean_ends(since)
    # The call that ends at `since` is the last of the warm-up.
    assert clean_rows(training.seen, full=False) == [False] * 4 + [True] * 3
    steps = steps_record(training.seen, None, full=False)
    assert steps.mean_s == pytest.approx(0.5)
    assert (steps.warmup_count, steps.measured_count) == (4, 3)


def test_without_a_word_of_where_it_settled_all_clean_calls_count() -> None:
    training = Training().calls(WARMUP, 3.0).calls(CLEAN, 0.5, 0.5)
    assert clean_rows(training.seen, full=False) == [False, True, True]
    training.clean_ends(None, stable=False, reason="it drifts")
    assert clean_rows(training.seen, full=False) == [False, True, True]
    steps = steps_record(training.seen, None, full=False)
    assert (steps.stable, steps.stable_reason) == (False, "it drifts")


def test_a_killed_script_says_that_it_could_not_settle() -> None:
    steps = steps_record(Training().calls(CLEAN, 0.5, 0.5).seen, 8, full=False)
    assert steps.stable is None
    assert "ended before" in steps.stable_reason
    assert steps.samples_per_s == pytest.approx(8 / 0.5)


def test_under_full_what_comes_after_the_trace_is_clean_too() -> None:
    training = Training().calls(WARMUP, 3.0).calls(CLEAN, 9.0, 0.5).clean_ends(None)
    training.calls(events.TRACED, 2.0, 2.0).calls(events.AFTER, 9.0, 0.7)
    assert clean_rows(training.seen, full=True) == [False, True, True, False, False, True, True]
    assert clean_rows(training.seen, full=False) == [False, True, True] + [False] * 4
    assert steps_record(training.seen, None, full=True).mean_s == pytest.approx(0.6)


def test_the_optimizer_counts_the_steps_where_it_can() -> None:
    training = Training(steps_per_execution=4).calls(CLEAN, *[1.0] * 3)
    assert step_count(training.seen) == 12
    # An epoch of 10 steps in calls of 4: the third call made 2.
    training.next_epoch(iterations=10)
    assert step_count(training.seen) == 10
    training.calls(CLEAN, 1.0)
    assert step_count(training.seen) == 14
    training.write(events.FIT_END, iterations=13)
    assert step_count(training.seen) == 13


def test_an_optimizer_that_does_not_count_leaves_it_to_the_rows() -> None:
    training = Training().calls(CLEAN, 1.0, 1.0).next_epoch().calls(CLEAN, 1.0)
    training.write(events.FIT_END, iterations=None)
    assert step_count(training.seen) == 3


def test_times_are_of_a_step_where_a_call_makes_several() -> None:
    training = Training(steps_per_execution=5).calls(CLEAN, 9.0, *[0.5] * 10)
    steps = steps_record(training.seen, 20, full=False)
    assert (steps.mean_s, steps.median_s) == (pytest.approx(0.1), pytest.approx(0.1))
    assert (steps.measured_count, steps.steps_per_execution) == (50, 5)
    assert steps.samples_per_s == pytest.approx(200)
    # Ten windows of one call each, all alike.
    assert steps.ci95_s == pytest.approx((0.1, 0.1))


def test_percentiles_are_of_single_calls() -> None:
    training = Training().calls(CLEAN, 9.0, *[0.01 * i for i in range(1, 102)])
    steps = steps_record(training.seen, None, full=False)
    assert steps.p95_s == pytest.approx(0.96)
    assert steps.p99_s == pytest.approx(1.00)
    assert steps.median_s == pytest.approx(0.51)


def test_no_call_that_can_be_timed_is_no_step_time() -> None:
    steps = steps_record(Training().calls(WARMUP, 3.0, 3.0).seen, 8, full=False)
    assert (steps.count, steps.warmup_count, steps.measured_count) == (2, 2, 0)
    assert (steps.mean_s, steps.ci95_s, steps.samples_per_s) == (None, None, None)


def test_each_phase_has_its_own_step_time() -> None:
    training = Training().calls(WARMUP, 4.0, 2.0).calls(CLEAN, 1.0, 0.5, 0.5)
    training.clean_ends(None).pairs(0.2, [0.4])
    training.calls(events.TRACED, 1.0, 0.8)
    training.write(events.DRAIN, batches=8, duration_s=2.0)
    phases = {phase.name: phase for phase in phase_records(training.seen, full=False)}
    assert list(phases) == ["warmup", "clean", "held", "real", "trace", "drain"]
    assert phases["warmup"].step_s == pytest.approx(3.0)
    assert (phases["clean"].steps, phases["clean"].step_s) == (3, pytest.approx(0.5))
    assert phases["clean"].duration_s == pytest.approx(2.0)
    assert phases["held"].step_s == pytest.approx(0.2)
    assert phases["real"].step_s == pytest.approx(0.4)
    assert phases["trace"].step_s == pytest.approx(0.8)
    assert phases["drain"].step_s == pytest.approx(0.25)


def test_clean_calls_before_the_settling_are_shown_as_warm_up() -> None:
    training = Training().calls(WARMUP, 4.0).calls(CLEAN, 2.0)
    training.clean_ends(training.t)
    training.calls(CLEAN, 0.5, 0.5)
    phases = {phase.name: phase for phase in phase_records(training.seen, full=False)}
    assert (phases["warmup"].steps, phases["warmup"].step_s) == (2, pytest.approx(3.0))
    assert phases["clean"].steps == 2


def test_the_clean_phase_is_a_stretch_of_time_for_each_epoch() -> None:
    training = Training(t=0.0).calls(WARMUP, 4.0).calls(CLEAN, 1.0, 1.0)
    training.next_epoch(gap_s=10.0).calls(CLEAN, 2.0, 1.0).calls(HELD, 5.0)
    assert clean_windows(training.seen, full=False) == [(4.0, 6.0), (16.0, 19.0)]


def test_each_phase_says_when_it_ran_since_the_fit_began() -> None:
    training = Training(t=50.0).calls(WARMUP, 9.0).calls(CLEAN, 0.1, 0.2)
    training.pairs(0.01, [0.04], calls=2)
    training.t += 3.0
    fit = training.write(events.DRAIN, t=training.t, batches=4, duration_s=2.0).seen
    found = {phase.name: phase.spans_s for phase in phase_records(fit, full=False)}
    for name, begin, end in (
        ("warmup", 0.0, 9.0), ("clean", 9.0, 9.3), ("held", 9.31, 9.33), ("real", 9.37, 9.45),
        ("drain", 10.45, 12.45),
    ):  # fmt: skip
        ((start, stop),) = found[name]
        assert (start, stop) == pytest.approx((begin, end)), name
