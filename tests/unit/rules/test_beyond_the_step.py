"""What goes by around the step: start, pauses, callbacks, traces, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules import (
    callback_cost,
    eager,
    memory,
    pauses,
    retracing,
    start,
    waits_for_loss,
)
from gputune.schema.finding import Severity
from gputune.schema.profile import Host, Profile
from gputune.schema.training import BetweenEpochs, CallbackCost, Retracing, Startup
from tests.unit.rules import profiles
from tests.unit.rules.profiles import FIT, at, host_bound, pipeline, profile, setting, stage, steps

MIB = 2**20


@pytest.mark.parametrize(
    ("fraction", "severity"),
    [
        (None, None), (0.049, None), (0.05, Severity.WARNING), (0.199, Severity.WARNING),
        (0.2, Severity.PROBLEM),
    ],
)  # fmt: skip
def test_a_callback_is_a_warning_from_5_and_a_problem_from_20_percent(
    fraction: float | None, severity: Severity | None
) -> None:
    cost = CallbackCost(name="Mine", step_s=0.003, step_fraction=fraction)
    found = list(callback_cost.findings(profile(callbacks=(cost,))))
    assert [f.severity for f in found] == ([severity] if severity else [])


def test_each_costly_callback_is_named_with_what_helps() -> None:
    costs = tuple(
        CallbackCost(name=name, step_s=0.01, step_fraction=0.1)
        for name in ("Mine", "TensorBoard", "ProgbarLogger")
    )
    mine, board, bar = callback_cost.findings(profile(callbacks=costs))
    assert mine.title == "The callback Mine takes 10% of each step."
    assert mine.evidence[0].startswith("10 ms") and mine.site == FIT
    assert "update_freq" in board.remedy and "verbose=2" in bar.remedy


@pytest.mark.parametrize(("speedup", "expected"), [(1.049, 0), (1.05, 1), (3.0, 1)])
def test_waiting_for_the_loss_is_priced(speedup: float, expected: int) -> None:
    found = list(waits_for_loss.findings(profiles.waits_for_loss(speedup)))
    assert len(found) == expected
    assert all("steps_per_execution=32" in f.remedy and "model: m" in f.evidence[0] for f in found)


def test_a_host_bound_step_is_not_told_the_same_twice() -> None:
    price = profiles.waits_for_loss(2.0).what_if
    assert list(waits_for_loss.findings(host_bound(0.0009, what_if=price))) == []
    assert len(list(waits_for_loss.findings(host_bound(0.0001, what_if=price)))) == 1


def test_a_loop_that_has_no_such_price_does_not_wait_for_its_loss() -> None:
    assert list(waits_for_loss.findings(profile())) == []


def whole_run(startup: Startup, duration_s: float = 100.0, **more: Any) -> Profile:
    """A run that ended by itself."""
    found = profile(startup=startup, **more)
    command = replace(found.command, duration_s=duration_s, stopped_by_gputune=False)
    return replace(found, command=command)


def ids(found: Profile) -> list[tuple[str, Severity]]:
    return [(f.id, f.severity) for f in start.findings(found)]


@pytest.mark.parametrize(("seconds", "expected"), [(10.0, 0), (10.1, 1)])
def test_a_first_step_of_more_than_ten_seconds_is_noted(seconds: float, expected: int) -> None:
    found = profile(startup=Startup(first_step_s=seconds, total_s=seconds + 60))
    assert ids(found) == [("slow-first-step", Severity.NOTE)] * expected


@pytest.mark.parametrize(
    ("seconds", "duration_s", "expected"), [(3.0, 30.0, 1), (3.0, 31.0, 0), (1.9, 4.0, 0)]
)
def test_a_first_step_that_is_a_tenth_of_the_whole_run_is_a_warning(
    seconds: float, duration_s: float, expected: int
) -> None:
    found = whole_run(Startup(first_step_s=seconds, total_s=5.0), duration_s)
    assert ids(found) == [("slow-first-step", Severity.WARNING)] * expected


def test_the_share_of_a_run_that_gputune_cut_short_says_nothing() -> None:
    found = whole_run(Startup(first_step_s=3.0, total_s=20.0), 20.0)
    cut = replace(found, command=replace(found.command, stopped_by_gputune=True))
    assert ids(cut) == []


def test_the_first_step_names_what_takes_long_in_it() -> None:
    shuffle = stage(0, "Shuffle", ".shuffle(99999)", calls=(".shuffle(99999)",))
    (found,) = start.findings(
        profile(
            startup=Startup(first_step_s=30.0),
            pipeline=pipeline(shuffle),
            config=(setting("jit_compile", True),),
        )
    )
    assert "XLA" in found.remedy and ".shuffle(99999) fills its buffer" in found.remedy
    assert "a step takes 100 ms later on" in found.evidence[1]


@pytest.mark.parametrize(("total_s", "expected"), [(1200.0, 0), (1201.0, 1)])
def test_more_than_twenty_minutes_before_the_first_step_are_a_finding(
    total_s: float, expected: int
) -> None:
    startup = Startup(total_s=total_s, imports_s=5.0, preparation_s=total_s - 8, first_step_s=3.0)
    found = list(start.findings(profile(startup=startup)))
    assert [f.id for f in found] == ["slow-start"] * expected
    assert all("TFRecord" in f.remedy for f in found)


@pytest.mark.parametrize(
    ("total_s", "duration_s", "expected"), [(12.0, 40.0, 1), (12.0, 41.0, 0), (9.9, 12.0, 0)]
)
def test_a_third_of_a_whole_run_before_the_first_step_is_a_finding(
    total_s: float, duration_s: float, expected: int
) -> None:
    startup = Startup(total_s=total_s, imports_s=total_s - 2, preparation_s=1.0, first_step_s=1.0)
    found = list(start.findings(whole_run(startup, duration_s)))
    assert [f.id for f in found] == ["slow-start"] * expected
    assert all("Import less" in f.remedy for f in found)


def test_a_start_that_is_mostly_the_first_step_is_said_once() -> None:
    startup = Startup(total_s=2000.0, imports_s=5.0, preparation_s=5.0, first_step_s=1990.0)
    assert ids(profile(startup=startup)) == [("slow-first-step", Severity.NOTE)]


@pytest.mark.parametrize(("fraction", "expected"), [(None, 0), (0.099, 0), (0.1, 1)])
def test_pauses_are_long_from_a_tenth_of_the_training(
    fraction: float | None, expected: int
) -> None:
    between = BetweenEpochs(pauses=3, mean_s=4.0, validation_s=3.0, run_fraction=fraction)
    assert len(list(pauses.findings(profile(between_epochs=between)))) == expected


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("validation_s", "validation_freq"), ("callbacks_s", "save_best_only"),
        ("first_step_s", ".repeat()"), ("other_s", "between epochs"),
    ],
)  # fmt: skip
def test_the_largest_part_of_the_pause_is_what_the_remedy_is_about(part: str, word: str) -> None:
    parts = dict.fromkeys(("validation_s", "callbacks_s", "first_step_s", "other_s"), 0.5)
    between = BetweenEpochs(pauses=3, mean_s=4.5, run_fraction=0.2, **{**parts, part: 3.0})
    (found,) = pauses.findings(profile(between_epochs=between))
    assert word in found.remedy
    assert found.evidence[0] == "4.5 s between two epochs, the mean of 3 pauses"


def test_eager_training_is_told_to_compile() -> None:
    (found,) = eager.findings(profile(config=(setting("run_eagerly", True),)))
    assert found.severity is Severity.PROBLEM and "run_eagerly" in found.remedy
    (found,) = eager.findings(profile(style="eager loop"))
    assert "@tf.function" in found.remedy and "run_eagerly" not in found.remedy
    for compiled in (profile(), profile(style="loop"), profile(steps=None, style="eager loop")):
        assert list(eager.findings(compiled)) == []


def traced(**more: Any) -> Retracing:
    fields = {"function": "train_step", "count": 5, "during_training": 3, "site": at(7)}
    return Retracing(**{**fields, **more})


def test_a_function_that_is_traced_in_training_is_named_with_what_changed() -> None:
    changed = traced(changed="x: shape (32, 10) -> (17, 10)")
    (found,) = retracing.findings(profile(retracing=(changed, traced(during_training=0))))
    assert found.title == (
        "train_step was traced again 3 times during training: x: shape (32, 10) -> (17, 10)."
    )
    assert found.site == at(7)
    assert "drop_remainder" in found.remedy and "input_signature" in found.remedy


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ("x: shape (32,) -> (17,)", "drop_remainder"), ("x: dtype float32 -> float64", "tf.cast"),
        ("step: value 1 -> 2", "as a tensor"), ("", "reduce_retracing"),
    ],
)  # fmt: skip
def test_the_remedy_is_for_what_changed(changed: str, word: str) -> None:
    (found,) = retracing.findings(profile(retracing=(traced(changed=changed),)))
    assert word in found.remedy


def grows(per_step: float | None, low: float | None, **more: Any) -> Profile:
    interval = None if low is None or per_step is None else (low, 2 * per_step - low)
    host = Host(rss_growth_bytes_per_step=per_step, rss_growth_ci95_bytes_per_step=interval)
    return profile(host=host, **more)


@pytest.mark.parametrize(
    ("per_step", "low", "expected"),
    [
        (None, None, 0), (0.2 * MIB, None, 0), (0.2 * MIB, 0.0, 0), (0.2 * MIB, 1.0, 1),
        (0.1 * MIB, 1.0, 0), (0.101 * MIB, 1.0, 1),
    ],
)  # fmt: skip
def test_memory_grows_where_it_is_certain_and_more_than_100_mib_in_1000_steps(
    per_step: float | None, low: float | None, expected: int
) -> None:
    assert len(list(memory.findings(grows(per_step, low)))) == expected


def test_growth_is_in_mib_and_a_cache_that_fills_is_a_note() -> None:
    (found,) = memory.findings(grows(0.5 * MIB, 0.4 * MIB))
    assert found.title == "The script's memory grows by 500 MiB in 1000 steps."
    assert "400 to 600 MiB" in found.evidence[0]
    assert found.severity is Severity.WARNING
    (found,) = memory.findings(grows(0.5 * MIB, 0.1 * MIB))
    assert found.severity is Severity.NOTE  # it may be no more than 100 MiB
    cache = pipeline(stage(0, "MemoryCacheImpl", ".cache()"))
    (found,) = memory.findings(grows(0.5 * MIB, 0.4 * MIB, pipeline=cache))
    assert found.severity is Severity.NOTE and ".cache() fills" in found.remedy


def test_nothing_of_it_is_said_of_a_run_in_which_it_was_not_seen() -> None:
    rules = (callback_cost, waits_for_loss, start, pauses, eager, retracing, memory)
    for found in (profile(), profile(steps=None, breakdown=None), profile(steps=steps(None))):
        assert [f for rule in rules for f in rule.findings(found)] == []
