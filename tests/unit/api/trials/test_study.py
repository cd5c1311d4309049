from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gputune.schema.config import Value
from gputune.search.space import Space
from gputune.search.trying import Outcome
from tests.unit.api.trials.studies import FakeTrials, Killed, at, run_study
from tests.unit.search.spaces import dimension, space


def pipeline() -> Space:
    return space(dimension("prefetch", "none", 1, 2), dimension("deterministic", True, False))


def by_depth(knobs: Mapping[str, Value]) -> Outcome:
    return at(1000.0 * {"none": 1.0, 1: 1.5, 2: 2.0}[knobs["prefetch"]])


def test_a_study_recommends_what_the_confirmation_found_faster(tmp_path: Path) -> None:
    trials = FakeTrials(by_depth)
    found = run_study(pipeline(), trials, tmp_path)
    best = found.study.best_same_batch
    assert best is not None and best.knobs["prefetch"] == 2
    assert found.study.confirmation[0].ratio == pytest.approx(2.0)
    assert found.config is not None
    assert {tuple(sorted(k.items())) for k in trials.confirmed} == {
        tuple(sorted(k.items())) for k in (pipeline().baseline_knobs, dict(best.knobs))
    }


def test_a_study_that_was_killed_makes_no_trial_twice(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run_study(pipeline(), FakeTrials(by_depth, killed_after=4), tmp_path)
    trials = FakeTrials(by_depth)
    found = run_study(pipeline(), trials, tmp_path)
    assert len(found.study.trials) == 6
    assert len(trials.measured) == 2


def test_what_a_trial_noted_of_its_settings_is_told_of_what_is_confirmed(tmp_path: Path) -> None:
    def answer(knobs: Mapping[str, Value]) -> Outcome:
        return replace(by_depth(knobs), noted=(f"prefetch: {knobs['prefetch']} is noted",))

    first = run_study(pipeline(), FakeTrials(answer), tmp_path)
    assert [n for n in first.study.notes if "noted" in n] == ["prefetch: 2 is noted."]
    again = run_study(pipeline(), FakeTrials(answer), tmp_path)
    assert set(first.study.notes) <= set(again.study.notes)
