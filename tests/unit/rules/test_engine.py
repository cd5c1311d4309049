from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from gputune.rules import thresholds
from gputune.rules.engine import find, verdict
from gputune.schema.finding import Severity
from gputune.schema.profile import Breakdown, OrderProblem, Profile, Unavailable
from tests.unit.rules.profiles import computing, pipeline, profile, stage, steps, waiting


def ids(found: Profile) -> list[str]:
    return [finding.id for finding in find(found)]


def said(found: Profile) -> str:
    return verdict(found, find(found))


@pytest.mark.parametrize(("fraction", "expected"), [(0.899, []), (0.9, ["near-ceiling"])])
def test_near_the_ceiling_is_from_ninety_percent(fraction: float, expected: list[str]) -> None:
    assert ids(computing(fraction)) == expected


def test_near_the_ceiling_is_said_only_where_nothing_is_wrong() -> None:
    problem = OrderProblem(kind="shuffle-after-batch", label=".shuffle(9)")
    found = computing(0.95, pipeline=pipeline(order_problems=(problem,)))
    assert ids(found) == ["order:shuffle-after-batch"]
    note = replace(problem, kind="prefetch-not-last")
    found = computing(0.95, pipeline=pipeline(order_problems=(note,)))
    assert ids(found) == ["near-ceiling", "order:prefetch-not-last"]


def test_without_a_compute_ceiling_nothing_is_said_of_it() -> None:
    assert ids(profile()) == []


def test_the_worst_comes_first() -> None:
    slow = stage(0, "Map", ".map(flip)", 0.06)
    repeat = OrderProblem(kind="cache-after-repeat", label=".cache()")
    found = find(
        waiting(
            0.06,
            pipeline=pipeline(slow, bottleneck=0, order_problems=(repeat,)),
            steps=steps(stable=False),
        )
    )
    assert [(f.severity, f.id) for f in found] == [
        (Severity.PROBLEM, "input-bound"),
        (Severity.PROBLEM, "order:cache-after-repeat"),
        (Severity.WARNING, "serial-map"),
        (Severity.NOTE, "unstable"),
    ]


def test_the_verdict_is_the_worst_finding_and_its_remedy() -> None:
    slow = stage(0, "Map", ".map(flip)", 0.06)
    assert said(waiting(0.06, pipeline=pipeline(slow, bottleneck=0))) == (
        "60% of each step waits for input, made slow by train.py:10 .map(flip). "
        "Give .map(flip) num_parallel_calls=tf.data.AUTOTUNE."
    )


def test_a_note_is_not_the_verdict() -> None:
    assert said(profile(steps=steps(stable=False))) == (
        "No rule found anything wrong; where the step goes stands below."
    )


def test_near_the_ceiling_the_verdict_says_that_nothing_is_worth_changing() -> None:
    text = said(computing(0.95))
    assert text.startswith("Nothing worth changing") and "95%" in text


def test_a_step_that_was_only_timed_is_not_called_fine() -> None:
    text = said(profile(breakdown=Breakdown(other_s=0.1)))
    assert text.startswith("The step was timed, but not what it waits for")


def test_training_that_ended_at_once_is_said_to_have_begun() -> None:
    assert said(profile(steps=steps(None), breakdown=None)).startswith("Training began, but")


def test_no_training_says_why() -> None:
    none = profile(steps=None, breakdown=None, style=None, fits=())
    assert "no call of Keras' fit" in said(none)
    bare = replace(none, environment=replace(none.environment, tensorflow=None))
    assert "never imported TensorFlow" in said(bare)
    other = replace(none, style="tf_keras", notes=("the script trains with tf_keras",))
    assert said(other) == "No training was measured: the script trains with tf_keras."


def test_a_fit_that_was_asked_for_and_never_came_is_the_verdict() -> None:
    why = "--fit 7: the script called fit 1 times"
    found = profile(
        steps=None, breakdown=None, notes=("dry run: 3 paths went to a scratch folder",),
        unavailable=(Unavailable(metric="steps", reason=why),),
    )  # fmt: skip
    assert said(found) == f"No training was measured: {why}."


def test_every_threshold_says_where_it_comes_from() -> None:
    body = ast.parse(Path(thresholds.__file__).read_text(encoding="utf-8")).body
    constants = [i for i, item in enumerate(body) if isinstance(item, ast.Assign)]
    assert len(constants) >= 9
    for i in constants:
        name = ast.unparse(body[i])
        after = body[i + 1] if i + 1 < len(body) else None
        assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant), name
        assert isinstance(after.value.value, str) and len(after.value.value) > 15, name
