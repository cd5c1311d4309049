"""Orders of labels, random and sorted."""

from __future__ import annotations

import random

import pytest

from gputune.checks.script.order.judging import Order, Shuffled, changes, judge


def mixed(count: int = 400, classes: int = 4) -> tuple[int, ...]:
    generator = random.Random(0)
    return tuple(generator.randrange(classes) for _ in range(count))


SORTED = tuple(sorted(mixed()))


def ids(**fields) -> list[tuple[str, str]]:
    return [(str(finding.severity), finding.id) for finding in judge(Order(**fields), None)]


def test_changes_and_what_chance_gives() -> None:
    # Two classes in equal shares: half of the 9 neighbours differ.
    assert changes((0,) * 5 + (1,) * 5) == (1, pytest.approx(4.5))
    assert changes((0, 1) * 5) == (9, pytest.approx(4.5))
    assert changes((7,) * 10) == (0, pytest.approx(0.0))
    assert changes(()) == (0, 0.0)


def test_sorted_arrays_are_a_problem_unless_fit_shuffles_them() -> None:
    assert ids(classes=SORTED, whole=True, shuffled=Shuffled.NO) == [("problem", "data-sorted")]
    assert ids(classes=SORTED, whole=True, shuffled=Shuffled.YES) == []
    assert ids(classes=mixed(), whole=True, shuffled=Shuffled.YES) == []


def test_batches_that_come_sorted_are_a_problem_whatever_shuffles() -> None:
    for shuffled in Shuffled:
        assert ids(classes=SORTED, shuffled=shuffled) == [("problem", "data-sorted")]


def test_mixed_data_without_a_shuffle_are_worth_a_note() -> None:
    assert ids(classes=mixed(), shuffled=Shuffled.NO) == [("note", "no-shuffle")]
    assert ids(classes=mixed(), whole=True, shuffled=Shuffled.NO) == [("note", "no-shuffle")]
    assert ids(classes=mixed(), shuffled=Shuffled.UNKNOWN) == []


def test_one_class_in_many_labels() -> None:
    assert ids(classes=(3,) * 128) == [("warning", "one-class-in-a-row")]
    assert ids(classes=(3,) * 127) == []


def test_runs_of_a_balanced_file_are_not_sorted() -> None:
    assert ids(classes=(0, 0, 1, 1) * 100) == []


def test_numbers_are_no_classes() -> None:
    assert ids(classes=tuple(range(400)), shuffled=Shuffled.UNKNOWN) == []


def test_few_labels_and_stateful_layers_say_nothing() -> None:
    assert ids(classes=(0,) * 20 + (1,) * 20, shuffled=Shuffled.UNKNOWN) == []
    assert ids(classes=SORTED, stateful=True, shuffled=Shuffled.NO) == []


def test_a_validation_split_of_sorted_data_holds_few_classes() -> None:
    split = {"whole": True, "shuffled": Shuffled.YES, "validation_split": 0.2}
    assert ids(classes=SORTED, **split) == [("problem", "validation-split-of-sorted")]
    assert ids(classes=mixed(), **split) == []
    recording = (0,) * 100 + (1,) * 100 + (0,) * 100 + (1,) * 60 + (0,) * 40
    assert ids(classes=recording, **split) == [], "its end has both classes"
