from __future__ import annotations

from dataclasses import replace

import pytest

from gputune.rules import host_bound, setup
from gputune.schema.conditions import LOSS_SELDOM
from gputune.schema.finding import Severity
from gputune.schema.profile import Profile, WhatIf
from tests.unit.rules import profiles
from tests.unit.rules.profiles import FIT, profile, setting, steps


@pytest.mark.parametrize(
    ("launch_s", "python_s", "severity"),
    [
        (0.000149, 0.0, None),
        (0.00015, 0.0, Severity.WARNING),
        (0.0001, 0.00005, Severity.WARNING),
        (0.000399, 0.0, Severity.WARNING),
        (0.0002, 0.0002, Severity.PROBLEM),
        (0.0009, None, Severity.PROBLEM),
    ],
)
def test_the_hosts_share_of_a_small_step_is_a_warning_from_15_and_a_problem_from_40_percent(
    launch_s: float, python_s: float | None, severity: Severity | None
) -> None:
    found = list(host_bound.findings(profiles.host_bound(launch_s, python_s)))
    assert [f.severity for f in found] == ([severity] if severity else [])


@pytest.mark.parametrize(("mean_s", "expected"), [(0.0099, 1), (0.010, 1), (0.0101, 0)])
def test_only_calls_of_up_to_ten_milliseconds_are_small(mean_s: float, expected: int) -> None:
    found = profiles.host_bound(mean_s / 2, mean_s=mean_s)
    assert len(list(host_bound.findings(found))) == expected


def test_a_call_of_many_steps_is_not_small() -> None:
    found = profiles.host_bound(0.0005, steps=steps(0.001, steps_per_execution=32))
    assert list(host_bound.findings(found)) == []


def test_a_launch_time_that_is_not_known_is_no_finding() -> None:
    assert list(host_bound.findings(profiles.host_bound(None, 0.0009))) == []
    assert list(host_bound.findings(profile(breakdown=None))) == []
    assert list(host_bound.findings(profile(steps=None))) == []


def test_the_finding_says_the_figures_and_what_helps() -> None:
    (found,) = host_bound.findings(profiles.host_bound(0.0004, 0.0001))
    assert found.title.startswith("50% of each step")
    assert "a step of 1 ms, dispatch takes 0.4 ms" in found.evidence[0]
    assert "0.1 ms" in found.evidence[0]
    assert "steps_per_execution" in found.remedy
    assert found.site == FIT


def test_eager_steps_are_left_to_the_rule_on_eager_training() -> None:
    found = profiles.host_bound(0.0009, config=(setting("run_eagerly", True),))
    assert list(host_bound.findings(found)) == []


def test_a_loop_written_by_hand_has_no_compile_to_pass_it_to() -> None:
    (found,) = host_bound.findings(profiles.host_bound(0.0009, style="loop"))
    assert "steps_per_execution" not in found.remedy and "@tf.function" in found.remedy


def test_the_price_of_many_steps_a_call_is_evidence() -> None:
    price = WhatIf(condition=LOSS_SELDOM, step_s=0.0005, speedup=2.0, basis="model: of it")
    (found,) = host_bound.findings(profiles.host_bound(0.0009, what_if=(price,)))
    assert found.evidence[-1] == "with 32 a step would take 0.5 ms (model: of it)"


def ids(found: Profile) -> list[str]:
    return [finding.id for finding in setup.findings(found)]


@pytest.mark.parametrize(
    ("devices", "expected"),
    [(("CPU:0",), ["no-gpu"]), (("CPU:0", "GPU:0"), []), ((), [])],
)
def test_a_run_without_a_gpu_is_noted(devices: tuple[str, ...], expected: list[str]) -> None:
    environment = replace(profile().environment, devices=devices)
    assert ids(profile(environment=environment)) == expected


@pytest.mark.parametrize(("stable", "expected"), [(False, ["unstable"]), (True, []), (None, [])])
def test_steps_that_did_not_settle_are_noted_with_the_reason(
    stable: bool | None, expected: list[str]
) -> None:
    found = profile(steps=steps(stable=stable, stable_reason="it rises by 9%"))
    assert ids(found) == expected
    assert [f.evidence for f in setup.findings(found)] == [("it rises by 9%",)] * len(expected)


@pytest.mark.parametrize(("p99_s", "expected"), [(0.2, []), (0.201, ["unstable-steps"])])
def test_steps_of_more_than_twice_the_median_are_noted(p99_s: float, expected: list[str]) -> None:
    assert ids(profile(steps=steps(0.1, p99_s=p99_s))) == expected


def test_without_training_the_machine_is_not_judged() -> None:
    assert ids(profile(steps=None)) == []
