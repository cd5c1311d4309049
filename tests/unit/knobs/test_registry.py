from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gputune.knobs.registry import KNOBS, first_config, with_knobs
from gputune.rules import gpu
from gputune.rules.engine import find
from gputune.schema.config import Config
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile
from tests.unit.rules.profiles import (
    at,
    host_bound,
    pipeline,
    profile,
    repetition,
    setting,
    stage,
    steps,
    waiting,
    waits_for_loss,
)


def judged(found: Profile) -> Profile:
    return replace(found, findings=tuple(with_knobs(finding) for finding in find(found)))


def config(found: Profile) -> Config:
    return first_config(judged(found))


def test_the_names_of_the_knobs_are_unique_and_each_says_what_it_helps() -> None:
    assert len({knob.name for knob in KNOBS}) == len(KNOBS)
    for knob in KNOBS:
        assert knob.edits or knob.name == "vectorize"
        assert knob.addresses or knob.always or knob.name == "learning_rate", knob.name


def test_what_a_knob_addresses_is_what_a_rule_can_find() -> None:
    slow = pipeline(stage(0, "Map", ".map(f)", 0.06), bottleneck=0)
    known = {f.id for f in find(waiting(0.06, pipeline=slow))}
    known |= {f.id for f in find(host_bound(0.0009))}
    known |= {f.id for f in find(waits_for_loss(1.2))}
    known |= {f.id for f in find(repeating())}
    known |= {"order:prefetch-not-last", "order:cache-after-prefetch"}
    # Those of a GPU are found in tests/unit/rules/; here their ids are read from the rules.
    folder = Path(gpu.__file__).parent
    known |= set(
        re.findall(r'\bid="([a-z-]+)"', "".join(p.read_text() for p in folder.glob("*.py")))
    )
    assert {finding for knob in KNOBS for finding in knob.addresses} <= known


@pytest.mark.parametrize(
    ("finding", "knobs"),
    [
        ("host-bound", ("steps_per_execution", "jit_compile", "gpu_thread_mode")),
        ("serial-map", ("num_parallel_calls", "vectorize")),
        (
            "input-bound",
            (
                "prefetch",
                "cache",
                "num_parallel_calls",
                "interleave",
                "deterministic",
                "private_threadpool",
                "vectorize",
            ),
        ),
        ("no-cache", ("cache",)),
        ("no-gpu", ()),
    ],
)
def test_a_finding_is_given_the_knobs_that_address_it(finding: str, knobs: tuple[str, ...]) -> None:
    found = with_knobs(Finding(id=finding, severity=Severity.NOTE, title="t", evidence=("e",)))
    assert found.knobs == knobs
    assert found.evidence == ("e",)


def test_nothing_found_is_nothing_to_set() -> None:
    found = config(profile())
    assert (found.tf_data, found.policy, found.evidence) == ((), (), ())
    assert (found.script, found.measured) == ("train.py", False)


def test_a_serial_map_that_limits_is_made_parallel_at_its_line() -> None:
    slow = pipeline(
        stage(0, "Prefetch", ".prefetch(2)"), stage(1, "Map", ".map(f)", 0.06), bottleneck=1
    )
    found = config(waiting(0.06, pipeline=slow))
    assert [(s.knob, s.value, s.site) for s in found.tf_data] == [
        ("num_parallel_calls", "AUTOTUNE", at(11))
    ]
    assert found.policy == ()
    assert any("100 ms" in line for line in found.evidence)


def test_a_serial_map_that_nobody_waits_for_is_left_alone() -> None:
    slow = pipeline(stage(0, "Map", ".map(f)", 0.06), bottleneck=0)
    assert config(waiting(0.0, pipeline=slow)).tf_data == ()


@pytest.mark.parametrize(
    ("op", "source", "expected"),
    [
        ("ParallelMapV2", "tf.data", ["prefetch"]),
        ("Prefetch", "tf.data", []),
        ("ParallelMapV2", "arrays", []),
    ],
)
def test_prefetch_is_proposed_to_a_pipeline_that_has_none(
    op: str, source: str, expected: list[str]
) -> None:
    stages = pipeline(stage(0, op, ".x()", 0.06, parallelism=2.0), bottleneck=0, source=source)
    assert [s.knob for s in config(waiting(0.06, pipeline=stages)).tf_data] == expected


def test_prefetch_is_not_proposed_where_nothing_waits() -> None:
    stages = pipeline(stage(0, "ParallelMapV2", ".map(f)", 0.06), bottleneck=0)
    assert config(waiting(0.0, pipeline=stages)).tf_data == ()


def repeating() -> Profile:
    slow = stage(0, "ParallelMapV2", ".map(f)", 0.06, parallelism=2.0)
    stages = pipeline(stage(0, "Prefetch", ".prefetch(2)"), replace(slow, index=1, parent=0),
                      bottleneck=1)  # fmt: skip
    return waiting(0.06, pipeline=stages, repetitions=(repetition(".map(f)", 10),))


def test_what_was_seen_to_repeat_is_cached_behind_its_line() -> None:
    (found,) = config(repeating()).tf_data
    assert (found.knob, found.value, found.site) == ("cache", "memory", at(10))
    assert ".map(f).cache()" in found.note


def test_waiting_for_the_loss_is_met_by_more_steps_a_call() -> None:
    (found,) = config(with_epoch(waits_for_loss(1.2), 500)).policy
    assert (found.knob, found.value) == ("steps_per_execution", 32)


def with_epoch(found: Profile, steps_per_epoch: int | None) -> Profile:
    return replace(found, fits=(replace(found.fits[0], steps_per_epoch=steps_per_epoch),))


@pytest.mark.parametrize(("epoch", "value"), [(500, 32), (None, 32), (32, 32), (10, 10)])
def test_a_host_bound_step_gets_more_steps_a_call_but_no_more_than_an_epoch(
    epoch: int | None, value: int
) -> None:
    (found,) = config(with_epoch(host_bound(0.0009), epoch)).policy
    assert (found.knob, found.value, found.was) == ("steps_per_execution", value, 1)


def test_an_epoch_of_one_step_leaves_nothing_to_put_together() -> None:
    assert config(with_epoch(host_bound(0.0009), 1)).policy == ()


@pytest.mark.parametrize(
    "found",
    [
        host_bound(0.00009),
        host_bound(0.0009, config=(setting("run_eagerly", True),)),
        host_bound(0.0009, steps=steps(0.001, steps_per_execution=8)),
        host_bound(0.0009, style="loop"),
    ],
    ids=["not host-bound", "eager", "several already", "no fit of Keras'"],
)
def test_steps_per_execution_is_proposed_only_where_it_can_help(found: Profile) -> None:
    assert config(found).policy == ()
