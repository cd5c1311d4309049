from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gputune.schema.publish import schema_text
from gputune.schema.read import json_schema, parse_record
from gputune.schema.study import Check, Confirmation, Study
from gputune.schema.training import Startup
from gputune.schema.write import to_dict, to_json
from gputune.search.keeping import InMemory
from gputune.search.planning import longest_confirmed_s, measured_s, plan, plan_lines
from gputune.search.record import Answer, payoff, study_record
from gputune.search.sampler import LEAST_FOR_IMPORTANCE, importances
from gputune.search.stopping import budget
from gputune.search.study import Searched, search
from gputune.search.trying import Outcome
from tests.unit.rules.profiles import profile, steps
from tests.unit.search.spaces import BEST, IDENTITY, Counting, searching, space

GAIN = Confirmation(
    candidate="best", knobs=BEST, ratio=2.0, ci95=(1.9, 2.1), verdict="faster", rounds=5,
    reason="95 % interval 1.900 to 2.100", worth_having=True, candidate_samples_per_s=200.0,
    baseline_samples_per_s=100.0,
)  # fmt: skip


def invalid(body: Any) -> list[Any]:
    """Where a study's JSON is not what the published schema says."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    validator = jsonschema.Draft202012Validator(json_schema(Study))
    return list(validator.iter_errors(json.loads(json.dumps(body))))


@pytest.fixture(scope="module")
def searched() -> Searched:
    return search(Counting(), InMemory(space()), searching(space()))


def record(searched: Searched, *confirmation: Confirmation, **more: Any) -> Study:
    answer = Answer(
        searched=searched,
        confirmation=confirmation,
        **{"spent_s": 900.0, "steps_s": 7200.0, **more},
    )
    return study_record(
        "train.py", space(), answer, IDENTITY, objective="throughput", seed=1, budget=budget()
    )


def test_the_gain_that_is_told_is_the_confirmed_one_and_not_the_searchs(
    searched: Searched,
) -> None:
    found = record(searched, GAIN)
    assert found.best is not None
    assert (found.best.samples_per_s, found.best.confirmed) == (200.0, True)
    assert (found.baseline.samples_per_s, found.baseline.confirmed) == (100.0, True)
    assert "2.00 times" in found.verdict and "1.90 to 2.10" in found.verdict
    highest = max(t.samples_per_s or 0 for t in found.trials)
    assert f"{highest:.0f}" not in found.verdict


def test_without_a_confirmed_gain_nothing_is_recommended(searched: Searched) -> None:
    same = replace(
        GAIN, verdict="same", worth_having=False, reason="no gain worth having: within 2 % of 1"
    )
    found = record(searched, same)
    assert found.verdict == "No gain worth having: within 2 % of 1."
    for one in (found, record(searched)):
        assert one.best is None
        assert one.payoff.hours_saved_per_run is None and one.payoff.reason


def test_what_was_faster_and_not_confirmed_is_not_called_no_gain(searched: Searched) -> None:
    ended = record(replace(searched, stopped="you ended it", out_of_time=True), ended=True)
    assert ended.verdict.startswith("Not decided: batch_size=")
    assert "times as fast in the search, and you ended it before" in ended.verdict
    assert ended.verdict.endswith("The same command goes on from here.")
    refused = record(searched, refused=((3, "it leaves 2 % free"),))
    assert refused.verdict == (
        "No gain worth having: what was better was refused: trial 3: it leaves 2 % free."
    )


def test_an_interrupted_confirmation_needs_no_larger_budget(searched: Searched) -> None:
    open_ = replace(
        GAIN, verdict="inconclusive", worth_having=False, rounds=3, reason="3 rounds are too few"
    )
    said = record(searched, open_, ended=True).verdict
    assert "was 2.00 times as fast, but you ended it. The same command goes on" in said


def test_the_script_that_failed_by_itself_decides_nothing(searched: Searched) -> None:
    why = "the script as it is failed: no disk"
    broken = replace(
        GAIN, ratio=None, ci95=None, verdict="inconclusive", worth_having=False, reason=why
    )
    said = record(searched, broken).verdict
    assert said.startswith("Not decided: ") and why in said and "--budget" not in said


def test_the_recommendation_is_what_the_sentence_says(searched: Searched) -> None:
    """The largest confirmed gain, be its batch the script's own or not."""
    kept = replace(GAIN, candidate="best_same_batch", knobs={**BEST, "batch_size": 32}, ratio=2.5)
    found = record(searched, GAIN, kept)
    assert "2.50 times" in found.verdict
    assert found.best == found.best_same_batch and found.best is not None
    assert found.best.knobs["batch_size"] == 32
    other = record(searched, GAIN, replace(kept, ratio=1.5))
    assert "2.00 times" in other.verdict and other.best is not None
    assert other.best.knobs["batch_size"] == 256 and other.best_same_batch is not None
    alone = record(searched, kept)
    assert alone.best == alone.best_same_batch, "the best of all is never null beside the other"


def test_energy_and_memory_are_said_as_less_than_one(searched: Searched) -> None:
    joules = replace(GAIN, objective="energy")
    assert (
        "needs 0.50 times the energy a sample of the script as it is (95 % interval 0.48 to 0.53"
        in (record(searched, joules).verdict)
    )


def test_the_processes_of_a_confirmation_measure_so_long_that_its_least_rounds_fit() -> None:
    seen = replace(profile(), startup=Startup(total_s=6.0))
    # 5 rounds of 3 processes in 180 s are 12 s each, of which 6 go into the start.
    assert longest_confirmed_s(seen, 180.0, 3) == pytest.approx(6.0)
    assert longest_confirmed_s(seen, 180.0, 2) == pytest.approx(12.0)
    assert longest_confirmed_s(seen, 60.0, 3) == 2.0, "never shorter than that"
    unknown = replace(seen, startup=Startup())
    assert longest_confirmed_s(unknown, 600.0, 3) == pytest.approx(20.0)


def test_where_time_ended_before_the_rounds_decide_that_is_no_verdict_on_the_gain(
    searched: Searched,
) -> None:
    few = replace(
        GAIN, verdict="inconclusive", worth_having=False, rounds=3, reason="3 rounds are too few"
    )
    found = record(searched, few)
    assert found.best is None
    assert found.verdict.startswith("Not decided: ") and "--budget" in found.verdict
    assert "was 2.00 times as fast, but 3 rounds are too few." in found.verdict
    none = replace(few, ratio=None, ci95=None, rounds=1, reason="there was time for no more rounds")
    assert "no more rounds. The same command" in record(searched, none).verdict
    failed = replace(none, reason="the run of round 1 failed: KeyError")
    assert record(searched, failed).verdict.startswith("No gain worth having: the run of round 1")
    across = replace(few, rounds=8, reason="the interval contains 1")
    assert record(searched, across).verdict == "No gain worth having: the interval contains 1."


def test_where_nothing_else_was_measured_that_is_no_verdict_either(searched: Searched) -> None:
    alone = replace(
        searched, tried=searched.tried[:1], stopped="the time for the search (81 s) is over",
        out_of_time=True,
    )  # fmt: skip
    said = record(alone).verdict
    assert said.startswith("Not decided: nothing was measured beside the script as it is: the time")
    assert said.endswith("is over. The same command with a larger --budget goes on from here.")
    empty = replace(alone, stopped="every configuration was tried", out_of_time=False)
    assert record(empty).verdict.endswith("every configuration was tried.")


def test_a_search_that_ended_early_says_of_how_many_its_answer_is(searched: Searched) -> None:
    first = searched.tried[0]
    slower = [replace(first, number=n, knobs={"prefetch": n}) for n in (1, 2)]
    complete = [first, *slower]
    found = replace(searched, tried=tuple(complete), stopped="2 s are left", out_of_time=True)
    assert record(found).verdict == (
        "No gain worth having: none of 2 other configurations was faster than the script as it is, "
        "and 2 s are left. The same command with a larger --budget goes on from here."
    )
    whole = replace(found, out_of_time=False)
    assert record(whole).verdict.endswith("was faster than the script as it is.")


def test_what_the_guard_refuses_is_not_recommended(searched: Searched) -> None:
    check = Check(candidate="best", check="head-room", passed=False, evidence="it leaves 2 % free")
    found = record(searched, GAIN, checks=(check,))
    assert found.best is None
    assert found.verdict == "No gain worth having: it leaves 2 % free."
    assert record(searched, GAIN, checks=(replace(check, passed=None),)).best is not None


def test_the_tuning_pays_after_as_many_runs_as_it_took_of_saved_time(searched: Searched) -> None:
    found = record(searched, GAIN).payoff
    # Twice as fast: of 2 hours 1 is saved; a quarter of an hour of tuning is a quarter of that.
    assert found.hours_saved_per_run == pytest.approx(1.0)
    assert found.break_even_runs == pytest.approx(0.25)
    # A batch that trains half as many samples a joule is not paid in hours.
    as_fast = replace(GAIN, objective="energy", candidate_samples_per_s=100.0)
    assert record(searched, as_fast).payoff.reason == "it saves no time"
    unknown = payoff(GAIN, Answer(searched=searched, steps_s=None, steps_s_reason="endless"))
    assert (unknown.hours_saved_per_run, unknown.reason) == (None, "endless")


def test_a_script_that_fails_as_it_is_says_so() -> None:
    measure = Counting(lambda _: Outcome(state="failed", reason="KeyError: 'x'"))
    failed = search(measure, InMemory(space()), searching(space()))
    found = record(failed)
    assert "KeyError: 'x'" in found.verdict and found.baseline.samples_per_s is None


def test_each_knobs_effect_is_the_median_of_the_trials_that_had_the_value(
    searched: Searched,
) -> None:
    found = record(searched, GAIN)
    (precision,) = (k for k in found.knobs_searched if k.knob == "mixed_precision")
    by_value = {e.value: e for e in precision.effect}
    for value in ("float32", "mixed_float16"):
        rates = sorted(
            t.samples_per_s for t in found.trials
            if t.knobs["mixed_precision"] == value and t.samples_per_s is not None
        )  # fmt: skip
        middle = rates[len(rates) // 2] if len(rates) % 2 else None
        if middle is not None:
            assert by_value[value].median_samples_per_s == middle
    assert sum(e.trials for e in precision.effect) == len(found.trials)


def test_importance_is_told_only_of_enough_trials_and_finds_what_matters() -> None:
    where = space()
    few = search(Counting(), InMemory(where), searching(where, trials=5)).tried
    shares, note = importances(where, few, "throughput")
    assert not shares and "too few" in note

    def answer(knobs: Any) -> Outcome:
        fast = knobs["prefetch"] == "AUTOTUNE"
        rate = (200.0 if fast else 100.0) + 0.01 * len(str(knobs))
        return Outcome(state="complete", samples_per_s=rate, duration_s=1.0)

    store = InMemory(where)
    for number, point in enumerate(list(where.points())[:: where.size // 60]):
        ticket = store.begin(None, where.knobs(point), float(number))
        store.finish(ticket, answer(where.knobs(point)), None)
    shares, note = importances(where, store.tried(), "throughput")
    assert max(shares, key=lambda name: shares[name]) == "prefetch"
    assert sum(shares.values()) == pytest.approx(1.0)

    one = [t for t in store.tried() if t.knobs["mixed_precision"] == "float32"]
    assert len(one) >= LEAST_FOR_IMPORTANCE
    assert set(importances(where, one, "throughput")[0]) == set(shares) - {"mixed_precision"}
    equal = Counting(lambda _: Outcome(state="complete", samples_per_s=1.0, duration_s=1.0))
    same = search(equal, InMemory(where), searching(where)).tried
    assert importances(where, same, "throughput")[1] == "all trials were equally fast"


def test_a_study_survives_being_written_and_read(searched: Searched) -> None:
    found = record(searched, GAIN, checks=(Check(candidate="best", check="loss", passed=True,
                                                 evidence="inside"),))  # fmt: skip
    text = to_json(found)
    assert parse_record(text) == found
    body = to_dict(found)
    assert body["schema"] == "gputune.study" and body["version"] == 1
    assert body["best"]["knobs"]["batch_size"] == 256
    assert set(body["trials"][0]) >= {
        "number", "knobs", "state", "reason", "samples_per_s", "duration_s", "in_process"
    }  # fmt: skip
    assert set(body["confirmation"][0]) >= {"candidate", "ratio", "ci95", "verdict", "rounds"}
    assert set(body["knobs_left_out"][0] if body["knobs_left_out"] else {"knob", "why"}) == {
        "knob", "why"
    }  # fmt: skip
    assert invalid(body) == []


def test_the_json_schema_refuses_a_study_without_its_trials_states(searched: Searched) -> None:
    body = to_dict(record(searched, GAIN))
    body["trials"][0]["state"] = "good"
    assert len(invalid(body)) == 1


def test_the_published_json_schema_is_the_records() -> None:
    from gputune.schema.publish import FOLDER

    assert (FOLDER / "study.schema.json").read_text(encoding="utf-8") == schema_text(Study)


def test_a_study_is_a_table_of_its_trials(searched: Searched) -> None:
    found = record(searched, GAIN)
    frame = found.to_frame()
    assert len(frame) == len(found.trials)
    assert list(frame["knob.batch_size"])[:1] == [32]
    assert frame["samples_per_s"].max() == max(t.samples_per_s or 0 for t in found.trials)


def test_the_plan_prices_process_trials_by_the_start_up_and_stays_in_the_budget() -> None:
    seen = profile(steps=steps(0.01))
    made = plan(replace(seen, startup=replace(seen.startup, total_s=30.0)), space(), budget())
    # Five windows of 0.2 s and ten steps of warm-up: 1.1 s.
    assert measured_s(0.01) == pytest.approx(1.1)
    assert made.baseline_s == pytest.approx(31.1)
    assert "30 s (seen in the profile)" in made.basis
    assert made.confirmation_s <= 360 and made.search_s <= 405 and made.trials <= 25
    unseen = plan(seen, space(), budget(total_s=60))
    assert "a guess" in unseen.basis and unseen.total_s <= 60 + unseen.baseline_s


def test_the_plan_names_knobs_values_and_minutes() -> None:
    where = space()
    text = "\n".join(plan_lines(where, plan(profile(), where, budget())))
    assert "prefetch: none, 1, 2, 4, AUTOTUNE (now none)" in text
    assert f"of {where.size} configurations" in text and "minutes" in text


def test_a_budget_covers_everything() -> None:
    made = budget(total_s=1000.0)
    assert (made.confirmation_s, made.guard_s, made.search_s) == (400.0, 150.0, 450.0)
    assert budget(total_s=1000.0, guard=False).search_s == 600.0
    for wrong in ({"trials": 0}, {"total_s": 0.0}, {"total_s": float("nan")}):
        with pytest.raises(ValueError, match="at least one trial"):
            budget(**wrong)  # type: ignore[arg-type]
