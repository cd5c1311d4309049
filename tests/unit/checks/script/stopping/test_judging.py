"""Advice on long trainings."""

from __future__ import annotations

from gputune.checks.script.stopping.judging import Asked, judge


def test_only_long_trainings_that_nothing_stops_get_advice() -> None:
    assert list(judge(Asked(epochs=29), None)) == []
    assert list(judge(Asked(epochs=500, validates=True, stops=True), None)) == []
    (one,) = judge(Asked(epochs=30, validates=True), None)
    assert one.severity == "note" and "no early stopping" in one.title
    assert len(one.evidence) == 2
    (one,) = judge(Asked(epochs=30, stops=True, schedules=True), None)
    assert "no validation data" in one.title and len(one.evidence) == 1
