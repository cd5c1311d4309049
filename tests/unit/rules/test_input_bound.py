from __future__ import annotations

from typing import Any

import pytest

from gputune.rules.input_bound import findings
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile
from tests.unit.rules.profiles import (
    FIT,
    pipeline,
    profile,
    stage,
    steps,
    two_cores,
    waiting,
)


def only(found: Profile) -> Finding:
    (finding,) = findings(found)
    return finding


@pytest.mark.parametrize(
    ("wait_s", "severity"),
    [
        (0.0, None),
        (0.0499, None),
        (0.05, Severity.WARNING),
        (0.199, Severity.WARNING),
        (0.20, Severity.PROBLEM),
        (0.95, Severity.PROBLEM),
    ],
)
def test_five_percent_is_a_warning_and_twenty_a_problem(
    wait_s: float, severity: Severity | None
) -> None:
    found = findings(waiting(wait_s, steps=steps(1.0)))
    assert [f.severity for f in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((-0.01, 0.09), 0), ((0.0, 0.09), 0), ((0.0024, 0.09), 0), ((0.0026, 0.09), 1)],
)
def test_a_wait_that_may_be_none_is_no_finding(
    interval: tuple[float, float], expected: int
) -> None:
    assert len(list(findings(waiting(0.04, interval=interval)))) == expected


@pytest.mark.parametrize(
    "unknown",
    [profile(steps=None), profile(breakdown=None), profile(steps=steps(None))],
)
def test_where_the_wait_is_not_known_there_is_no_finding(unknown: Profile) -> None:
    assert list(findings(unknown)) == []


def test_the_finding_names_the_line_that_limits_the_input() -> None:
    slow = stage(
        1, "ParallelMapV2", ".map(decode)", 0.08, parallelism=4.0, parallelism_autotuned=True,
        elements_per_batch=32.0, element_s=0.0025,
    )  # fmt: skip
    found = only(
        waiting(
            0.06,
            pipeline=pipeline(
                stage(0, "Batch", ".batch(32)"), slow, bottleneck=1, measured_max_batches_per_s=12.5
            ),
        )
    )
    assert found.title == "60% of each step waits for input, made slow by train.py:11 .map(decode)."
    assert found.site is not None and found.site.line == 11
    wait, alone, cost = found.evidence
    assert "a step takes 100 ms, on a batch held in memory 40 ms: it waits 60 ms" in wait
    assert "(95 % interval 59 ms to 61 ms)" in wait
    assert alone == "the input alone delivers 12.5 batches/s"
    assert "80 ms for a batch (2.5 ms for each of 32 elements), 4 at a time" in cost
    assert cost.endswith("chosen by AUTOTUNE")


def remedy(op: str, label: str, **more: Any) -> str:
    limiting = stage(0, op, label, **more)
    return only(waiting(0.06, pipeline=pipeline(limiting, bottleneck=0))).remedy


def test_the_remedy_fits_the_stage() -> None:
    assert "num_parallel_calls=tf.data.AUTOTUNE" in remedy("Map", ".map(f)")
    parallel = remedy("ParallelMapV2", ".map(f)", parallelism=4.0)
    assert ".cache()" in parallel and "num_parallel_calls alone will not help" in parallel
    assert "Python" in remedy("ParallelMapV2", ".map(f)", parallelism=4.0, python=True)
    assert remedy("Shuffle", ".shuffle(99)").startswith("Make .shuffle(99) cheaper")


def test_a_wait_that_no_stage_explains_points_to_the_fit() -> None:
    found = only(waiting(0.06, pipeline=None))
    assert found.title == "60% of each step waits for input."
    assert found.site == FIT
    assert "could not be told apart" in found.remedy


@pytest.mark.parametrize(
    ("at_once", "tuned", "expected"),
    [
        (1.0, False, "num_parallel_calls=tf.data.AUTOTUNE"),
        (2.0, False, "already runs 2 at a time"),
        (1.0, True, "already runs 1 at a time"),
    ],
)
def test_a_map_is_made_parallel_where_the_script_holds_it_back(
    at_once: float, tuned: bool, expected: str
) -> None:
    slow = stage(
        0, "ParallelMapV2", ".map(decode)", parallelism=at_once, parallelism_autotuned=tuned
    )
    bound = waiting(0.5, pipeline=pipeline(slow, bottleneck=0), environment=two_cores())
    assert expected in only(bound).remedy
