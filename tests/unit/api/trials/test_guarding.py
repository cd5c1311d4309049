from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gputune.schema.config import Value
from gputune.schema.study import Check
from gputune.search.space import Space
from gputune.search.trying import Outcome
from tests.unit.api.trials.studies import FakeTrials, Killed, Ran, at, run_study
from tests.unit.search.spaces import dimension, space

BFLOAT16 = "mixed_bfloat16"
BASELINE_RUNS, CANDIDATE_RUNS = 5, 3


def where(*more: object, **fixed: object) -> Space:
    return space(
        dimension("mixed_precision", "float32", BFLOAT16, changes="rounding"),
        dimension("prefetch", "none", 1, 2, 4, "AUTOTUNE"),
        *more, **fixed,
    )  # type: ignore[arg-type] # fmt: skip


def faster(knobs: Mapping[str, Value]) -> Outcome:
    """Half precision is twice as fast, prefetching half as fast again; a larger batch, too."""
    batch = knobs.get("batch_size", knobs.get("knob.batch_size", 32))
    depth = {"none": 1.0, 1: 1.2, 2: 1.3, 4: 1.4, "AUTOTUNE": 1.5}[knobs.get("prefetch", "none")]
    half = 2.0 if knobs.get("mixed_precision") == BFLOAT16 else 1.0
    steps = 1.1 if knobs.get("steps_per_execution", 1) != 1 else 1.0
    return at(1000.0 * depth * half * steps * (batch / 32) ** 0.5)  # type: ignore[operator]


def worse(knobs: Mapping[str, Value], steps: int, seed: int) -> float:
    return 5.0 if knobs["mixed_precision"] == BFLOAT16 else 1 + 0.01 * math.sin(7 * seed)


def losses(found: Ran) -> list[Check]:
    return [c for c in found.study.checks if c.check == "loss"]


def trained(trials: FakeTrials) -> list[dict[str, Value]]:
    return [knobs for knobs, _, _ in trials.losses]


def test_a_candidate_is_compared_with_the_script_over_the_same_steps(tmp_path: Path) -> None:
    trials = FakeTrials(faster)
    (check,) = losses(run_study(where(), trials, tmp_path))
    assert (check.passed, check.candidate) == (True, "best_same_batch")
    assert [k["mixed_precision"] for k in trained(trials)] == ["float32"] * 5 + [BFLOAT16] * 3
    assert len({steps for _, steps, _ in trials.losses}) == 1
    assert [seed for _, _, seed in trials.losses] == list(range(1, 9))


def test_a_finished_study_trains_nothing_again(tmp_path: Path) -> None:
    first = run_study(where(), FakeTrials(faster), tmp_path)
    trials = FakeTrials(faster)
    again = run_study(where(), trials, tmp_path)
    assert trials.losses == trials.measured == []
    assert losses(again) == losses(first)


@pytest.mark.parametrize("more", [1, 6, 8])
def test_a_tuner_that_is_killed_loses_one_training(tmp_path: Path, more: int) -> None:
    whole = FakeTrials(faster)
    expected = run_study(where(), whole, tmp_path / "whole")
    killed = FakeTrials(faster, killed_after=len(whole.measured) + more)
    with pytest.raises(Killed):
        run_study(where(), killed, tmp_path / "killed")
    assert len(killed.losses) == more
    trials = FakeTrials(faster)
    found = run_study(where(), trials, tmp_path / "killed")
    assert len(trials.losses) == len(whole.losses) - more
    assert losses(found) == losses(expected)


def test_a_loss_that_is_no_number_is_kept_as_one(tmp_path: Path) -> None:
    def diverges(knobs: Mapping[str, Value], steps: int, seed: int) -> float:
        return math.nan if knobs["mixed_precision"] == BFLOAT16 else 1.0 + seed / 100

    for again in (False, True):
        trials = FakeTrials(faster, loss_of=diverges)
        found = run_study(where(), trials, tmp_path)
        assert [c.passed for c in losses(found)][:1] == [False]
        assert bool(trials.losses) is not again


def test_what_fails_is_refused_in_every_candidate_that_changes_the_same(tmp_path: Path) -> None:
    """Five trials have bfloat16: one comparison refuses them all, and the next takes the place."""
    trials = FakeTrials(faster, loss_of=worse)
    found = run_study(where(), trials, tmp_path)
    assert len(trials.losses) == BASELINE_RUNS + CANDIDATE_RUNS
    best = found.study.best_same_batch
    assert best is not None
    assert dict(best.knobs) == {"mixed_precision": "float32", "prefetch": "AUTOTUNE"}
    assert sum(c.passed is False for c in losses(found)) >= 2


def test_the_guard_keeps_its_share(tmp_path: Path) -> None:
    """Each knob is another change, each comparison fails, and two have room."""
    kinds = space(
        *(dimension(f"k{n}", False, True, changes="rounding") for n in range(4)),
        dimension("prefetch", "none", 1),
    )

    def answer(knobs: Mapping[str, Value]) -> Outcome:
        return at(1000.0 + 100 * sum(v is True for v in knobs.values()))

    def differs(knobs: Mapping[str, Value], steps: int, seed: int) -> float:
        return 5.0 if any(v is True for v in knobs.values()) else 1 + 0.01 * math.sin(7 * seed)

    trials = FakeTrials(answer, loss_of=differs)
    found = run_study(kinds, trials, tmp_path)
    budget = found.study.budget
    assert budget is not None and trials.guard_s <= budget.guard_s
    assert len(trials.losses) == BASELINE_RUNS + 2 * CANDIDATE_RUNS
    last = losses(found)[-1]
    assert last.passed is None and "not looked at" in last.evidence
    assert any("was not compared" in note for note in found.study.notes)


def test_trainings_that_take_longer_than_the_profile_said_are_ended(tmp_path: Path) -> None:
    trials = FakeTrials(faster, loss_s=100.0)
    found = run_study(where(), trials, tmp_path)
    assert trials.guard_s == 100.0
    (check,) = losses(found)
    assert check.passed is None and "7 more trainings of 100 s have no room" in check.evidence
    again = FakeTrials(faster, loss_s=100.0)
    assert losses(run_study(where(), again, tmp_path)) == [check]
    assert not again.losses


def test_a_share_without_room_is_told_in_the_notes_and_in_the_file(tmp_path: Path) -> None:
    trials = FakeTrials(faster, trial_s=2.0, fresh_s=2.0)
    found = run_study(where(), trials, tmp_path, total_s=60.0)
    assert not trials.losses
    assert found.study.best_same_batch is not None and found.config is not None
    (note,) = [n for n in found.study.notes if "was not compared" in n]
    assert "no room" in note and "before you rely on" in note
    assert any("loss not known" in line for line in found.config.evidence)


@pytest.mark.parametrize(
    ("fixed", "own"), [({"batch_size": 128}, 32), ({"knob.batch_size": 128}, 32)]
)
def test_a_batch_that_is_held_is_put_back_for_the_loss(
    tmp_path: Path, fixed: dict[str, Value], own: int
) -> None:
    (name,) = fixed
    held = where(fixed=fixed, fixed_baseline={name: own}, fixed_changes={name: "training"})
    trials = FakeTrials(faster)
    (check, *_) = losses(run_study(held, trials, tmp_path))
    assert {k[name] for k in trained(trials)} == {own}
    assert f"with the script's own {name}" in check.evidence


@pytest.mark.parametrize(
    "other",
    [
        dimension("batch_size", 32, 64, 128, changes="training"),
        dimension("knob.batch_size", 32, 64, 128, changes="training"),
        dimension("steps_per_execution", 1, 256),
    ],
)
def test_a_loss_is_over_the_same_samples_of_the_same_training(
    tmp_path: Path, other: object
) -> None:
    trials = FakeTrials(faster)
    found = run_study(where(other), trials, tmp_path)
    name, own = other.name, other.values[0]  # type: ignore[attr-defined]
    assert {k[name] for k in trained(trials)} == {own}
    assert any(dict(c.knobs)[name] != own for c in found.study.confirmation)


def test_what_the_user_holds_is_compared_with_the_script_as_it_is(tmp_path: Path) -> None:
    held = space(
        dimension("prefetch", "none", 1), fixed={"mixed_precision": BFLOAT16},
        fixed_baseline={"mixed_precision": "float32"},
        fixed_changes={"mixed_precision": "rounding"},
    )  # fmt: skip
    trials = FakeTrials(faster, loss_of=worse)
    found = run_study(held, trials, tmp_path)
    assert [k["mixed_precision"] for k in trained(trials)] == ["float32"] * 5 + [BFLOAT16] * 3
    assert losses(found)[0].passed is False
    assert found.config is None


def test_a_training_whose_process_failed_is_made_again(tmp_path: Path) -> None:
    class Broken(FakeTrials):
        def loss(
            self, knobs: Mapping[str, Value], *, steps: int, seed: int
        ) -> tuple[float, Outcome]:
            _, outcome = super().loss(knobs, steps=steps, seed=seed)
            failed = replace(outcome, state="failed", reason="no disk", exit_code=1)
            return math.nan, failed

    (check,) = losses(run_study(where(), Broken(faster), tmp_path))
    assert check.passed is None and "no disk" in check.evidence
    trials = FakeTrials(faster)
    (check,) = losses(run_study(where(), trials, tmp_path))
    assert check.passed is True and len(trials.losses) == 8


def test_a_loop_of_the_scripts_own_has_no_loss_to_compare(tmp_path: Path) -> None:
    trials = FakeTrials(faster, loss_of=lambda *_: math.nan)
    (check,) = losses(run_study(where(), trials, tmp_path))
    assert check.passed is None and "running loss" in check.evidence
    assert len(trials.losses) == 1


def test_the_plan_prices_what_the_guard_does(tmp_path: Path) -> None:
    for total_s in (900.0, 3600.0):
        trials = FakeTrials(faster)
        found = run_study(where(), trials, tmp_path / str(total_s), total_s=total_s)
        plan = found.study.plan
        assert plan is not None
        # Of two candidates: here one is both, and it takes 8 trainings of 11.
        assert trials.guard_s * 11 / 8 == pytest.approx(plan.guard_s, rel=0.01)
