"""The rules about single stages: serial maps, Python, and the order of the calls."""

from __future__ import annotations

import pytest

from gputune.rules import order, python_stage, serial_map
from gputune.schema.finding import Severity
from gputune.schema.profile import OrderProblem, Pipeline, Profile, Stage
from tests.unit.rules.profiles import FIT, at, pipeline, profile, stage, steps, waiting

UNCERTAIN = (-0.01, 0.13)


def serial(self_s: float = 0.06, slowest_s: float = 0.06) -> Pipeline:
    """A serial map beside a batch; the slower of the two limits."""
    return pipeline(
        stage(0, "Batch", ".batch(32)", slowest_s),
        stage(1, "Map", ".map(flip)", self_s),
        bottleneck=1 if self_s >= slowest_s else 0,
    )


def test_a_serial_map_that_the_step_waits_for_is_a_warning() -> None:
    (found,) = serial_map.findings(waiting(0.05, pipeline=serial()))
    assert (found.id, found.severity) == ("serial-map", Severity.WARNING)
    assert found.title == ".map(flip) runs one element at a time."
    assert found.remedy.startswith("Give .map(flip) num_parallel_calls=tf.data.AUTOTUNE.")
    assert found.site == at(11)


@pytest.mark.parametrize(
    "found",
    [
        waiting(0.0049, pipeline=serial()),
        waiting(0.06, interval=UNCERTAIN, pipeline=serial()),
        waiting(0.06, pipeline=serial(0.05, 0.06)),
    ],
    ids=["no wait", "an uncertain wait", "another stage limits"],
)
def test_a_serial_map_that_costs_nothing_is_a_note(found: Profile) -> None:
    (finding,) = serial_map.findings(found)
    assert finding.severity is Severity.NOTE
    assert finding.remedy.startswith("Nothing to do")


@pytest.mark.parametrize(("share", "expected"), [(0.099, 0), (0.101, 1)])
def test_a_tenth_of_the_inputs_time_makes_a_serial_map_worth_a_word(
    share: float, expected: int
) -> None:
    found = waiting(0.06, pipeline=serial(0.1 * share, 0.1))
    assert len(list(serial_map.findings(found))) == expected


@pytest.mark.parametrize(
    "other",
    [
        stage(0, "ParallelMapV2", ".map(f)", 0.06, parallelism=4.0),
        stage(0, "MapAndBatch", ".map(f)", 0.06),
        stage(0, "Map", ".map(f)", 0.06, python=True),
        stage(0, "Map", ".map(f)", None),
        stage(0, "Filter", ".filter(f)", 0.06),
    ],
)
def test_other_stages_are_no_serial_maps(other: Stage) -> None:
    found = waiting(0.06, pipeline=pipeline(other, bottleneck=0))
    assert list(serial_map.findings(found)) == []


def python_stages(self_s: float, slowest_s: float, **more: object) -> Pipeline:
    return pipeline(
        stage(0, "Batch", ".batch(32)", slowest_s),
        stage(1, "Map", ".map(load)", self_s, python=True),
        bottleneck=1 if self_s >= slowest_s else 0,
        **more,
    )


@pytest.mark.parametrize(
    ("self_s", "expected"),
    [(0.06, 1), (0.0151, 1), (0.0149, 0)],
    ids=["it limits", "over a quarter", "under a quarter"],
)
def test_python_is_named_where_it_limits_or_takes_a_quarter(self_s: float, expected: int) -> None:
    found = list(python_stage.findings(waiting(0.05, pipeline=python_stages(self_s, 0.06))))
    assert [f.id for f in found] == ["python-input"] * expected
    assert all(f.site == at(11) and f.severity is Severity.WARNING for f in found)


@pytest.mark.parametrize(
    "found",
    [
        waiting(0.0049, pipeline=python_stages(0.06, 0.01)),
        waiting(0.06, interval=UNCERTAIN, pipeline=python_stages(0.06, 0.01)),
        waiting(0.06, interval=UNCERTAIN, pipeline=pipeline(source="PyDataset")),
    ],
)
def test_python_that_the_step_does_not_surely_wait_for_is_no_finding(found: Profile) -> None:
    assert list(python_stage.findings(found)) == []


@pytest.mark.parametrize("source", ["PyDataset", "generator"])
def test_python_that_makes_the_batches_is_named_without_a_stage(source: str) -> None:
    (found,) = python_stage.findings(waiting(0.06, pipeline=pipeline(source=source)))
    assert (found.id, found.site) == ("python-input", FIT)
    assert source in found.title


def test_arrays_are_no_python() -> None:
    assert list(python_stage.findings(waiting(0.06, pipeline=pipeline(source="arrays")))) == []


def ordered(kind: str) -> Profile:
    problem = OrderProblem(kind=kind, label=".cache()", site=at(7))
    return profile(pipeline=pipeline(order_problems=(problem,)))


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("cache-after-prefetch", Severity.WARNING),
        ("cache-after-repeat", Severity.PROBLEM),
        ("cache-after-random", Severity.WARNING),
        ("shuffle-after-batch", Severity.WARNING),
        ("prefetch-not-last", Severity.NOTE),
    ],
)
def test_each_call_in_the_wrong_place_is_a_finding_at_its_line(
    kind: str, severity: Severity
) -> None:
    (found,) = order.findings(ordered(kind))
    assert (found.id, found.severity, found.site) == (f"order:{kind}", severity, at(7))
    assert found.title.startswith(".cache() ")
    assert found.remedy


def test_no_problem_or_an_unknown_one_is_no_finding() -> None:
    assert list(order.findings(profile())) == []
    assert list(order.findings(profile(pipeline=None))) == []
    assert list(order.findings(ordered("from-the-future"))) == []


def test_no_step_time_is_no_finding_about_stages() -> None:
    for unknown in (profile(steps=None), profile(breakdown=None), profile(steps=steps(None))):
        assert list(serial_map.findings(unknown)) == []
        assert list(python_stage.findings(unknown)) == []
