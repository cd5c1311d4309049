"""Courses of made-up trainings, and what they show."""

from __future__ import annotations

import pytest

from gputune.checks.script.learning.judging import Course, Epoch, judge


def ids(**fields) -> list[tuple[str, str]]:
    course = Course(**{"optimizer": "Adam", "rate": 0.001, "movement": 0.1, **fields})
    return [(str(finding.severity), finding.id) for finding in judge(course, None)]


def line(first: float, last: float, steps: int = 40) -> tuple[float, ...]:
    return tuple(first + (last - first) * n / (steps - 1) for n in range(steps))


def test_a_loss_that_falls_or_swings_is_no_finding() -> None:
    assert ids(losses=line(2.0, 1.0)) == []
    assert ids(losses=tuple(2.0 + (-1) ** n for n in range(40))) == []


def test_a_rise_that_comes_back_is_no_finding() -> None:
    assert ids(losses=(*line(2.0, 50.0, 20), *line(50.0, 1.5, 20))) == []


@pytest.mark.parametrize(
    ("last", "found"),
    [(30.0, [("problem", "loss-diverges")]), (8.0, [("warning", "loss-rises")]), (2.5, [])],
)
def test_the_rise_is_that_of_the_last_quarter_to_the_first_step(last: float, found: list) -> None:
    # A straight line from 2: its last quarter's median lies at 34.5 of 39 steps.
    assert ids(losses=line(2.0, last)) == found


def test_a_batch_that_is_held_must_show_the_rise_too() -> None:
    assert ids(losses=line(2.0, 30.0), held_ratio=1.1) == []
    assert ids(losses=line(2.0, 30.0), held_ratio=3.0) == [("warning", "loss-rises")]


def test_a_step_of_the_scripts_own_may_call_anything_a_loss() -> None:
    assert ids(losses=line(2.0, 30.0), own_step=True) == [("warning", "loss-rises")]
    assert ids(losses=line(-2.0, 30.0)) == []


def test_too_few_steps_and_nan_say_nothing_here() -> None:
    assert ids(losses=line(2.0, 30.0, 11)) == []
    assert ids(losses=line(2.0, 30.0), first_bad_step=41) == []


@pytest.mark.parametrize(
    ("movement", "found"),
    [
        (0.0, [("problem", "weights-do-not-move")]),
        (39e-6, [("warning", "weights-do-not-move")]),
        (41e-6, []),
        (None, []),
    ],
)
def test_the_weights_move_by_a_millionth_a_step(movement: float | None, found: list) -> None:
    assert ids(losses=line(2.0, 1.0), movement=movement) == found


def test_a_schedule_may_begin_near_zero() -> None:
    assert ids(losses=line(2.0, 1.0), movement=1e-9, scheduled=True) == []


def test_a_loss_that_never_changes() -> None:
    assert ids(losses=(0.6931472,) * 40) == [("warning", "loss-constant")]
    assert ids(losses=(0.0,) * 40) == [("warning", "loss-constant")]


def test_the_two_losses_part_only_where_the_run_shows_it() -> None:
    course = line(2.0, 0.5)
    parted = (Epoch(loss=1.5, val_loss=2.0), Epoch(loss=0.5, val_loss=2.5))
    assert ids(losses=course, epochs=parted) == [("note", "val-loss-parts")]
    assert ids(losses=course, epochs=parted[:1]) == []
    both_fall = (parted[0], Epoch(loss=0.5, val_loss=1.9))
    assert ids(losses=course, epochs=both_fall) == []
    near = (Epoch(loss=1.5, val_loss=0.6), Epoch(loss=0.5, val_loss=0.7))
    assert ids(losses=course, epochs=near) == []
