"""Comparison: constructions with a known answer, and simulated pairs for the error rates."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from gputune.analysis.comparing.compare import Group, compare
from gputune.analysis.comparing.judging import ONE_PROCESS, judge
from gputune.analysis.comparing.metrics import AMOUNT, RATE, TIME
from gputune.schema.profile import Profile
from tests.unit.report import sample


def profile(rate: float, **environment: object) -> Profile:
    found = sample.cpu_profile()
    assert found.steps is not None
    return replace(
        found,
        steps=replace(found.steps, samples_per_s=rate, median_s=32 / rate),
        environment=sample.environment(**environment),
    )


def test_one_process_is_one_sample() -> None:
    found = judge([100.0], [1000.0], RATE)
    assert found.verdict == "inconclusive"
    assert found.reason == ONE_PROCESS
    assert found.ratio == pytest.approx(10)
    assert found.ci95 is None


def test_the_interval_is_welchs() -> None:
    """Of logs 0, 1, 2 and 4, 5, 6: means differ by 4, error sqrt(2/3), 4 degrees of freedom."""
    found = judge([1, math.e, math.e**2], [math.e**4, math.e**5, math.e**6], RATE)
    assert found.ci95 is not None
    half = 2.7764451 * math.sqrt(2 / 3)
    assert math.log(found.ci95[0]) == pytest.approx(4 - half)
    assert math.log(found.ci95[1]) == pytest.approx(4 + half)
    assert found.verdict == "faster"


@pytest.mark.parametrize(
    ("words", "expected"), [(RATE, "faster"), (TIME, "slower"), (AMOUNT, "higher")]
)
def test_more_is_faster_of_a_rate_and_slower_of_a_time(
    words: tuple[str, str], expected: str
) -> None:
    assert judge([100, 101, 99], [200, 201, 199], words).verdict == expected
    assert judge([200, 201, 199], [100, 101, 99], words).verdict != expected


def test_within_two_percent_is_the_same() -> None:
    found = judge([1000, 1001, 1000, 1001], [1005, 1006, 1005, 1006], RATE)
    assert found.verdict == "same"


def test_what_never_varies_is_the_same() -> None:
    assert judge([4096, 4096], [4096, 4096], AMOUNT).verdict == "same"
    assert judge([0, 0], [0, 0], AMOUNT).verdict == "same"


def test_zero_has_no_ratio() -> None:
    found = judge([0.0, 0.0], [1.0, 1.0], TIME)
    assert (found.verdict, found.ratio, found.difference) == ("inconclusive", None, 1.0)


def test_what_one_side_has_not_measured() -> None:
    found = judge([], [1.0, 1.0], TIME)
    assert (found.verdict, found.before, found.after) == ("inconclusive", None, 1.0)


def test_noise_that_hides_a_difference_says_what_would_have_been_seen() -> None:
    found = judge([100, 140, 80], [105, 85, 150], RATE)
    assert found.verdict == "inconclusive"
    assert found.smallest_detectable_ratio is not None
    assert found.smallest_detectable_ratio > 1.5
    assert "would mostly have been seen" in found.reason


def simulated(true: float, noise: float, rounds: int, seed: int) -> tuple[list[float], list[float]]:
    draw = random.Random(seed)
    return (
        [100 * math.exp(draw.gauss(0, noise)) for _ in range(rounds)],
        [100 * true * math.exp(draw.gauss(0, noise)) for _ in range(rounds)],
    )


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_false_alarms_and_coverage(noise: float) -> None:
    """2,000 pairs; 1.5 points are three standard errors of a share of 5 % of 2,000."""
    alarms = covered = 0
    for seed in range(2000):
        found = judge(*simulated(1.0, noise, 6, seed), RATE)
        assert found.ci95 is not None
        alarms += found.verdict in ("faster", "slower")
        covered += found.ci95[0] <= 1.0 <= found.ci95[1]
    assert alarms / 2000 <= 0.05
    assert 0.935 <= covered / 2000 <= 0.965


def test_a_difference_of_five_percent_is_found() -> None:
    found = sum(judge(*simulated(1.05, 0.02, 6, s), RATE).verdict == "faster" for s in range(2000))
    assert found / 2000 >= 0.8


def test_the_verdict_is_about_the_throughput() -> None:
    before = Group(name="a", records=tuple(profile(r) for r in (100.0, 101, 99)))
    after = Group(name="b", records=tuple(profile(r) for r in (200.0, 201, 199)))
    found = compare([before, after])
    assert found.verdict.startswith("b is faster: 2 times the throughput of a (95 % interval")
    assert found.metrics[0].name == "samples_per_s"
    assert found.environment_differences == ()
    step = next(row for row in found.metrics if row.name == "step.median_s")
    assert step.verdict == "faster"
    assert step.ratio == pytest.approx(0.5, rel=1e-3)


def test_what_differs_beside_the_figures() -> None:
    old, new = profile(100), profile(100, tensorflow="2.22.0")
    other = replace(
        new, config=(replace(new.config[0], value=64), *new.config[1:]),
        command=sample.command(script_sha256="beef"),
    )  # fmt: skip
    found = compare([Group(name="a", records=(old,)), Group(name="b", records=(other,))])
    assert [(d.name, d.before, d.after) for d in found.environment_differences] == [
        ("tensorflow", "2.21.0", "2.22.0")
    ]
    assert [d.name for d in found.script_differences] == ["script_sha256"]
    assert [(d.name, d.before, d.after) for d in found.knob_differences] == [
        ("batch_size", "32", "64")
    ]


def test_each_further_report_is_compared_with_the_first() -> None:
    groups = [
        Group(name=str(r), records=(profile(r), profile(r * 1.01))) for r in (100.0, 50.0, 400.0)
    ]
    found = compare(groups, only=["samples_per_s"])
    assert [(row.side, row.verdict) for row in found.metrics] == [(1, "slower"), (2, "faster")]


def test_an_unknown_metric() -> None:
    groups = [Group(name="a", records=(profile(100),)), Group(name="b", records=(profile(100),))]
    with pytest.raises(ValueError, match="no metric of these reports is named speed"):
        compare(groups, only=["speed"])


def test_a_call_that_tensorflow_runs_as_several_stages_is_named_once() -> None:
    """A filled `.cache()` is two stages, and more while iterators of two epochs live."""
    one = profile(100)
    assert one.pipeline is not None
    stages = list(one.pipeline.stages)
    again = tuple(replace(stages[4], index=number, op="MemoryCacheImpl") for number in (5, 6))
    other = replace(one, pipeline=replace(one.pipeline, stages=(*stages, *again)))
    sides = [Group(name=name, records=(record,)) for name, record in (("a", one), ("b", other))]
    assert "pipeline" not in {row.name for row in compare(sides).script_differences}
    shorter = replace(one, pipeline=replace(one.pipeline, stages=tuple(stages[:-1])))
    sides[1] = Group(name="b", records=(shorter,))
    assert "pipeline" in {row.name for row in compare(sides).script_differences}
