from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping

import numpy as np
import pytest

from gputune.schema.config import Value
from gputune.search.candidates import candidates, has_same_batch
from gputune.search.keeping import InMemory
from gputune.search.space import Space
from gputune.search.study import Searched, search
from gputune.search.trying import Outcome
from tests.unit.search.spaces import (
    BEST,
    LARGEST,
    Counting,
    at_most,
    dimension,
    fits,
    rate,
    searching,
    space,
)


def run(measure: Counting, where: Space | None = None, **more: object) -> Searched:
    where = space() if where is None else where
    return search(measure, InMemory(where), searching(where, **more))  # type: ignore[arg-type]


def key(knobs: Mapping[str, Value]) -> str:
    return json.dumps(dict(knobs), sort_keys=True)


def test_the_first_trial_is_the_script_as_it_is() -> None:
    measure = Counting()
    found = run(measure, trials=1)
    assert measure.asked == [space().baseline_knobs]
    assert (found.tried[0].source, measure.incumbents) == ("baseline", [None])


@pytest.mark.parametrize("seed", range(5))
def test_the_best_of_480_configurations_is_found_in_25_trials(seed: int) -> None:
    measure = Counting()
    found = run(measure, seed=seed)
    best = candidates(space(), found.tried, "throughput").overall[0]
    assert rate(best.knobs) >= 0.97 * rate(BEST)
    assert len(measure.asked) <= 25


def test_no_configuration_is_measured_twice() -> None:
    measure = Counting()
    run(measure, trials=25)
    asked = [key(knobs) for knobs in measure.asked]
    assert len(asked) == len(set(asked)) >= 13


def test_where_memory_ran_out_no_larger_batch_is_tried_with_that_precision() -> None:
    measure = Counting()
    run(measure)
    too_large = [k for k in measure.asked if isinstance(b := k["batch_size"], int) and b > LARGEST]
    assert 1 <= len(too_large) <= 2
    assert len({k["mixed_precision"] for k in too_large}) == len(too_large)


def test_what_is_out_of_memory_is_never_a_candidate_however_fast() -> None:
    def answer(knobs: Mapping[str, Value]) -> Outcome:
        found = fits(knobs)
        if found.state == "infeasible":
            return Outcome(state="infeasible", reason="out of memory", samples_per_s=1e9)
        return found

    found = run(Counting(answer))
    assert any(t.outcome.state == "infeasible" for t in found.tried)
    best = candidates(space(), found.tried, "throughput").overall
    assert best and all(t.outcome.state == "complete" for t in best)


@pytest.mark.parametrize("figure", [math.nan, math.inf, 0.0, -1.0, None])
def test_a_figure_that_is_none_is_a_failure_and_not_a_score(figure: float | None) -> None:
    def answer(knobs: Mapping[str, Value]) -> Outcome:
        if knobs["prefetch"] == "AUTOTUNE":
            return Outcome(state="complete", samples_per_s=figure)
        return fits(knobs)

    found = run(Counting(answer))
    failed = [t for t in found.tried if t.knobs["prefetch"] == "AUTOTUNE"]
    assert failed and all(t.outcome.state == "failed" and t.outcome.reason for t in failed)
    best = candidates(space(), found.tried, "throughput").overall[0]
    assert best.knobs["prefetch"] != "AUTOTUNE" and rate(best.knobs) > 1200


def test_failures_do_not_stop_the_search_and_it_learns_to_avoid_them() -> None:
    def answer(knobs: Mapping[str, Value]) -> Outcome:
        if knobs["mixed_precision"] == "mixed_float16":
            return Outcome(state="failed", reason="SIGABRT", exit_code=-6, duration_s=1.0)
        return fits(knobs)

    found = run(Counting(answer))
    best = candidates(space(), found.tried, "throughput").overall[0]
    without = {**BEST, "mixed_precision": "float32"}
    assert rate(best.knobs) >= 0.95 * rate(without)
    assert sum(t.outcome.state == "failed" for t in found.tried) < len(found.tried) / 2


def test_a_script_that_fails_as_it_is_ends_the_search_with_its_reason() -> None:
    measure = Counting(lambda _: Outcome(state="failed", reason="KeyError: 'x'", exit_code=1))
    found = run(measure)
    assert (len(measure.asked), found.failed) == (1, "KeyError: 'x'")


def test_five_failures_in_a_row_end_the_search() -> None:
    baseline = space().baseline_knobs

    def answer(knobs: Mapping[str, Value]) -> Outcome:
        return fits(knobs) if knobs == baseline else Outcome(state="failed", reason="no disk")

    found = run(Counting(answer))
    assert len(found.tried) == 6
    assert "5 trials failed: no disk" in found.stopped


def test_a_small_space_is_tried_in_full_and_then_ended() -> None:
    where = space(dimension("prefetch", "none", 1, 2), dimension("deterministic", True, False))
    measure = Counting(lambda k: Outcome(state="complete", samples_per_s=rate(k), duration_s=1.0))
    found = run(measure, where)
    assert len(measure.asked) == where.size == 6
    assert found.stopped == "every configuration was tried"


def test_combinations_that_break_a_constraint_are_never_measured() -> None:
    where = space(constraints=(at_most("epoch", "batch_size", "steps_per_execution", 1024),))
    measure = Counting()
    run(measure, where)
    products = [k["batch_size"] * k["steps_per_execution"] for k in measure.asked]  # type: ignore
    assert max(products) <= 1024
    assert any(k["batch_size"] == 256 and k["steps_per_execution"] == 4 for k in measure.asked)


class Clock:
    """Seconds that pass only while something is measured."""

    def __init__(self, trial_s: float) -> None:
        self.now, self.trial_s = 0.0, trial_s

    def __call__(self) -> float:
        return self.now

    def answer(self, knobs: Mapping[str, Value]) -> Outcome:
        self.now += self.trial_s
        return Outcome(state="complete", samples_per_s=rate(knobs), duration_s=self.trial_s)


def test_no_trial_is_begun_that_would_not_end_within_the_search_share_of_the_budget() -> None:
    clock = Clock(10.0)
    where = space()
    # 45 % of 200 s are the search's: 90 s, of which the profile took 25: six trials of 10 s.
    what = searching(where, total_s=200.0, clock=clock, spent_before_s=25.0)
    found = search(Counting(clock.answer), InMemory(where), what)
    assert len(found.tried) == 6
    assert clock.now == 60.0
    assert "a trial takes 10 s" in found.stopped


@pytest.mark.parametrize(("profile_s", "trials"), [(50.0, 2), (85.0, 2), (100.0, 1)])
def test_time_is_lent_until_something_beside_the_script_as_it_is_was_measured(
    profile_s: float, trials: int
) -> None:
    """Of 200 s the search has 90, and 40 of the confirmation's 80 while it has no candidate."""
    clock = Clock(30.0)
    where = space()
    what = searching(where, total_s=200.0, clock=clock, spent_before_s=profile_s)
    found = search(Counting(clock.answer), InMemory(where), what)
    assert len(found.tried) == trials
    assert found.out_of_time


def test_the_search_stops_between_trials_where_it_is_asked_to() -> None:
    measure = Counting()
    found = run(measure, should_stop=lambda: len(measure.asked) >= 3)
    assert (len(found.tried), found.stopped) == (3, "you ended it")


def test_twelve_trials_without_a_gain_end_the_search() -> None:
    measure = Counting(lambda _: Outcome(state="complete", samples_per_s=100.0, duration_s=1.0))
    found = run(measure, trials=40)
    assert len(found.tried) == 13
    assert "12 trials in a row" in found.stopped


def test_measure_is_told_the_best_so_far_of_the_trials_own_contest() -> None:
    measure = Counting()
    found = run(measure, trials=16)
    own = 0
    for trial, incumbent in zip(found.tried[1:], measure.incumbents[1:], strict=True):
        before = found.tried[: trial.number]
        kept = [t for t in before if t.knobs["batch_size"] == 32]
        if trial.knobs["batch_size"] == 32:
            before, own = kept, own + 1
        assert incumbent == max(t.outcome.samples_per_s or 0.0 for t in before)
    assert 0 < own < 15


@pytest.mark.parametrize("seed", range(4))
def test_trials_that_end_early_cost_neither_answer(seed: int) -> None:
    class Pruning(Counting):
        def measure(self, knobs: Mapping[str, Value], incumbent: float | None) -> Outcome:
            found = super().measure(knobs, incumbent)
            rate = found.samples_per_s
            if rate is None or incumbent is None or rate >= 0.95 * incumbent:
                return found
            return Outcome(state="pruned", reason="slow", duration_s=1.0, pruned_at=rate)

    ended_early, whole = run(Pruning(), seed=seed), run(Counting(), seed=seed)
    assert any(t.outcome.state == "pruned" for t in ended_early.tried)
    found = candidates(space(), ended_early.tried, "throughput")
    without = candidates(space(), whole.tried, "throughput")
    assert rate(found.same_batch[0].knobs) == rate(without.same_batch[0].knobs)
    assert rate(found.overall[0].knobs) == rate(without.overall[0].knobs)


def test_what_the_user_holds_is_in_every_trial_but_the_script_as_it_is() -> None:
    where = space(
        dimension("prefetch", "none", 1, "AUTOTUNE"),
        dimension("mixed_precision", "float32", "mixed_float16"),
        fixed={"batch_size": 64}, fixed_baseline={"batch_size": 32},
    )  # fmt: skip
    measure = Counting()
    found = run(measure, where)
    assert [k["batch_size"] for k in measure.asked] == [32] + [64] * (len(measure.asked) - 1)
    assert len(measure.asked) == 7
    assert rate(candidates(where, found.tried, "throughput").overall[0].knobs) == rate(
        {"batch_size": 64, "prefetch": "AUTOTUNE", "mixed_precision": "mixed_float16"}
    )


def test_the_global_random_numbers_are_left_alone() -> None:
    random.seed(3)
    np.random.seed(3)
    expected = (random.random(), np.random.random())
    random.seed(3)
    np.random.seed(3)
    run(Counting(), trials=25)
    assert (random.random(), np.random.random()) == expected


def test_the_same_seed_gives_the_same_trials_and_another_seed_others() -> None:
    def asked(seed: int) -> list[dict[str, Value]]:
        # Without a first value or a usual one the sampler is all there is.
        where = space(*(dimension(f"k{n}", *range(6)) for n in range(5)))

        def answer(knobs: Mapping[str, Value]) -> Outcome:
            total = 100.0 + sum(v * v for v in knobs.values() if isinstance(v, int))
            return Outcome(state="complete", duration_s=1.0, samples_per_s=total)

        measure = Counting(answer)
        run(measure, where, seed=seed)
        return measure.asked

    assert asked(1) == asked(1)
    assert asked(1) != asked(2)


def test_energy_and_memory_are_objectives_of_their_own() -> None:
    def answer(knobs: Mapping[str, Value]) -> Outcome:
        depth = {"none": 0, 1: 1, 2: 2, 4: 4, "AUTOTUNE": 8}[knobs["prefetch"]]
        return Outcome(
            state="complete", samples_per_s=100.0 + depth, duration_s=1.0,
            energy_j_per_sample=1.0 + depth, peak_memory_bytes=1e9 - 1e7 * depth
            + (0 if knobs["mixed_precision"] == "float32" else -1e8),
        )  # fmt: skip

    where = space(
        dimension("prefetch", "none", 1, 2, 4, "AUTOTUNE", baseline=2),
        dimension("mixed_precision", "float32", "mixed_float16"),
    )
    energy = run(Counting(answer), where, objective="energy")
    assert candidates(where, energy.tried, "energy").overall[0].knobs["prefetch"] == "none"
    memory = run(Counting(answer), where, objective="memory")
    assert candidates(where, memory.tried, "memory").overall[0].knobs == {
        "prefetch": "AUTOTUNE", "mixed_precision": "mixed_float16"
    }  # fmt: skip


def test_a_saving_of_memory_that_costs_speed_is_no_answer() -> None:
    def answer(knobs: Mapping[str, Value]) -> Outcome:
        small = knobs["prefetch"] == 1
        return Outcome(
            state="complete", samples_per_s=90.0 if small else 100.0, duration_s=1.0,
            peak_memory_bytes=1e8 if small else 1e9,
        )  # fmt: skip

    where = space(dimension("prefetch", "none", 1))
    found = run(Counting(answer), where, objective="memory")
    assert candidates(where, found.tried, "memory").overall == ()


def test_the_best_with_the_same_batch_size_is_a_candidate_of_its_own() -> None:
    found = run(Counting())
    both = candidates(space(), found.tried, "throughput")
    assert both.overall[0].knobs["batch_size"] != 32
    assert both.same_batch[0].knobs["batch_size"] == 32
    after = candidates(space(), found.tried, "throughput", refused=[both.overall[0].number])
    assert after.overall[0] == both.overall[1]


def test_what_is_no_better_than_the_script_as_it_is_is_no_candidate() -> None:
    baseline = space().baseline_knobs
    measure = Counting(
        lambda k: Outcome(
            state="complete", samples_per_s=100.0 if k == baseline else 99.0, duration_s=1.0
        )
    )
    found = run(measure)
    assert candidates(space(), found.tried, "throughput").overall == ()


def test_a_declared_batch_size_that_is_held_is_not_the_scripts_own() -> None:
    held = space(
        dimension("prefetch", "none", 1), fixed={"knob.batch_size": 128},
        fixed_baseline={"knob.batch_size": 32}, fixed_changes={"knob.batch_size": "training"},
    )  # fmt: skip
    assert has_same_batch(held, held.baseline_knobs)
    assert not has_same_batch(held, held.knobs((1,)))
    rate = space(
        dimension("prefetch", "none", 1), fixed={"learning_rate": 0.1},
        fixed_baseline={"learning_rate": 0.01}, fixed_changes={"learning_rate": "training"},
    )  # fmt: skip
    assert has_same_batch(rate, rate.knobs((1,)))
