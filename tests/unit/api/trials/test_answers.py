"""What whole studies answer where something came between."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gputune.schema.config import Value
from gputune.search.space import Space
from gputune.search.trying import Outcome
from tests.unit.api.trials.studies import FakeTrials, at, run_study
from tests.unit.search.spaces import dimension, space


def pipeline() -> Space:
    return space(dimension("prefetch", "none", 1, 2), dimension("deterministic", True, False))


def faster(knobs: Mapping[str, Value]) -> Outcome:
    return at(3000.0 if knobs["prefetch"] == 2 else 1000.0)


def has_seen_it(trials: FakeTrials) -> bool:
    return any(knobs["prefetch"] == 2 for knobs in trials.measured)


def test_a_ctrl_c_after_the_search_is_no_answer_and_the_same_command_gives_it(
    tmp_path: Path,
) -> None:
    trials = FakeTrials(faster)
    ended = run_study(pipeline(), trials, tmp_path, should_stop=lambda: has_seen_it(trials))
    assert ended.config is None
    assert ended.study.verdict.startswith("Not decided: prefetch=2 was 3.00 times as fast")
    assert ended.study.verdict.endswith("The same command goes on from here.")
    again = FakeTrials(faster)
    found = run_study(pipeline(), again, tmp_path)
    assert "is 3.00 times as fast" in found.study.verdict and found.config is not None
    assert any("going on with what was measured before: " in said for said in found.said)


def test_a_ctrl_c_before_anything_was_faster_decides_nothing_either(tmp_path: Path) -> None:
    trials = FakeTrials(lambda _: at(1000.0))
    ended = run_study(pipeline(), trials, tmp_path, should_stop=lambda: len(trials.measured) >= 3)
    assert ended.study.verdict.startswith("Not decided: none of 2 other configurations was faster")


def test_one_that_began_anew_is_told_how_to_go_on(tmp_path: Path) -> None:
    trials = FakeTrials(faster)
    ended = run_study(
        pipeline(), trials, tmp_path, should_stop=lambda: has_seen_it(trials), fresh=True
    )
    assert any("without --fresh goes on" in note for note in ended.study.notes)


@pytest.mark.parametrize("objective", ["energy", "memory"])
def test_another_objective_is_answered_by_its_own_figure(objective: str, tmp_path: Path) -> None:
    def frugal(knobs: Mapping[str, Value]) -> Outcome:
        used = 0.5 if knobs["prefetch"] == 2 else 1.0
        return at(1000.0, energy_j_per_sample=used, peak_memory_bytes=1e9 * used)

    found = run_study(pipeline(), FakeTrials(frugal), tmp_path, objective=objective)
    assert "prefetch=2 needs 0.50 times the" in found.study.verdict
    assert found.config is not None
    assert found.study.payoff.reason == "it saves no time"


def test_a_script_that_failed_once_is_tried_again_by_the_same_command(tmp_path: Path) -> None:
    full = FakeTrials(lambda _: Outcome(state="infeasible", reason="out of memory"))
    first = run_study(pipeline(), full, tmp_path)
    assert "fails as it is" in first.study.verdict and len(full.measured) == 1
    found = run_study(pipeline(), FakeTrials(faster), tmp_path)
    assert "is 3.00 times as fast" in found.study.verdict
    assert [t.number for t in found.study.trials[:2]] == [0, 1]


def test_a_confirmation_that_failed_is_made_again_by_the_same_command(tmp_path: Path) -> None:
    trials = FakeTrials(faster)

    def fresh(knobs: Mapping[str, Value], *, max_s: float | None = None) -> Outcome:
        trials.clock.now += 10
        return Outcome(state="failed", reason="signal 7", duration_s=10.0)

    trials.fresh = fresh  # type: ignore[method-assign]
    first = run_study(pipeline(), trials, tmp_path)
    assert first.study.verdict.startswith("Not decided: ")
    assert "the script as it is failed: signal 7" in first.study.verdict
    found = run_study(pipeline(), FakeTrials(faster), tmp_path)
    assert "is 3.00 times as fast" in found.study.verdict


def test_seconds_of_all_sessions_count(tmp_path: Path) -> None:
    trials = FakeTrials(faster)
    first = run_study(pipeline(), trials, tmp_path)
    saved_s = (first.study.payoff.hours_saved_per_run or 0.0) * 3600
    spent_s = (first.study.payoff.break_even_runs or 0.0) * saved_s
    assert spent_s == pytest.approx(trials.clock.now)
    # Of 10 x 1000 steps of 0.0419 s two thirds are saved; the 5 s of start-up are not.
    assert saved_s == pytest.approx(419 * 2 / 3)
    again = run_study(pipeline(), FakeTrials(faster), tmp_path)
    assert (again.study.payoff.break_even_runs or 0.0) * saved_s == pytest.approx(spent_s)


def test_the_budget_holds_with_time_lent_to_the_search(tmp_path: Path) -> None:
    """Trials of 90 s: the search borrows from the confirmation, which then has what is left."""
    noisy = iter([0.7, 1.4] * 100)

    def unsteady(knobs: Mapping[str, Value]) -> Outcome:
        return at(next(noisy) * (1100.0 if knobs["prefetch"] == 2 else 1000.0))

    trials = FakeTrials(unsteady, trial_s=90.0)
    run_study(pipeline(), trials, tmp_path, total_s=300.0)
    assert trials.clock.now <= 300.0


@pytest.mark.parametrize(("read", "said"), [(1e6, "warm page cache"), (2e9, "from 0 to 2e+03 MB")])
def test_what_was_read_from_storage_is_told_as_it_was(
    read: float, said: str, tmp_path: Path
) -> None:
    def reading(knobs: Mapping[str, Value]) -> Outcome:
        own = knobs == pipeline().baseline_knobs
        return at(1000.0, read_bytes=read if own else 0.0)

    found = run_study(pipeline(), FakeTrials(reading), tmp_path)
    assert any(said in note for note in found.study.notes), found.study.notes
