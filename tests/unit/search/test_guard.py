from __future__ import annotations

import math
import random

import pytest

from gputune.search.guard import (
    batch_size_of,
    checks_needed,
    head_room,
    learning_rate_advice,
    loss,
    prediction_interval,
    refused,
)
from tests.unit.search.spaces import dimension, space

BASELINE = [1.00, 1.02, 0.98, 1.01, 0.99]


@pytest.mark.parametrize(
    ("peak", "limit", "passed"), [(89e9, 100e9, True), (91e9, 100e9, False), (None, 100e9, None)]
)
def test_a_tenth_of_the_memory_has_to_stay_free(
    peak: float | None, limit: float, passed: bool | None
) -> None:
    assert head_room("best", peak, limit).passed is passed


def test_the_prediction_interval_is_the_textbooks() -> None:
    # mean 1, s = 0.0158114, t(4; 0.975) = 2.776: 1 ± 2.776 * s * sqrt(1 + 1/5).
    low, high = prediction_interval(BASELINE)
    half = 2.776 * 0.0158114 * math.sqrt(1.2)
    assert (low, high) == (pytest.approx(1 - half, abs=1e-4), pytest.approx(1 + half, abs=1e-4))
    assert prediction_interval(BASELINE, future=3)[1] < high


def test_the_interval_holds_a_new_seed_95_times_of_100() -> None:
    generator = random.Random(2)
    inside = 0
    for _ in range(3000):
        low, high = prediction_interval([generator.gauss(1, 0.1) for _ in range(5)])
        inside += low <= generator.gauss(1, 0.1) <= high
    assert inside / 3000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(
    ("losses", "baseline", "passed", "said"),
    [
        ([1.01, 0.99], BASELINE, True, "inside"),
        ([1.30, 1.35], BASELINE, False, "above"),
        ([0.70, 0.72], BASELINE, True, "below (which is better)"),
        ([1.01, math.nan], BASELINE, False, "no number"),
        ([1.01], BASELINE[:4], None, "4 seeds"),
        ([1.01], [*BASELINE[:4], math.inf], None, "4 seeds"),
        ([], BASELINE, None, "0 of the candidate"),
    ],
)
def test_a_loss_passes_where_the_baselines_seeds_let_it_be_expected(
    losses: list[float], baseline: list[float], passed: bool | None, said: str
) -> None:
    found = loss("best", losses, baseline)
    assert found.passed is passed
    assert said in found.evidence


def test_only_a_check_that_failed_refuses() -> None:
    checks = [head_room("best", None, None), loss("best", [1.0], BASELINE)]
    assert refused(checks) == ""
    assert "head-room" in refused([*checks, head_room("best", 99.0, 100.0)])


def test_rounding_and_order_need_the_loss_checked_and_the_rest_does_not() -> None:
    where = space(
        dimension("prefetch", 1, 2),
        dimension("deterministic", True, False, changes="order"),
        dimension("mixed_precision", "float32", "mixed_float16", changes="rounding"),
        dimension("batch_size", 32, 64, changes="training"),
    )
    assert checks_needed(where, ["prefetch", "batch_size"]) == ("head-room",)
    assert checks_needed(where, ["mixed_precision"]) == ("head-room", "loss")
    assert checks_needed(where, ["deterministic"]) == ("head-room", "loss")


def test_the_learning_rate_goes_with_the_batch_by_the_optimizers_rule() -> None:
    assert "multiply the learning rate by 4 (linear rule for SGD)" in learning_rate_advice(
        "SGD", 128, 32
    )
    assert "0.002 (it was 0.001) (square root rule for Adam)" in learning_rate_advice(
        "Adam", 128, 32, 0.001
    )
    assert learning_rate_advice("Adam", 32, 32) == ""


def test_the_batch_size_is_told_where_it_is_another() -> None:
    where = space(dimension("batch_size", 16, 32, 64, baseline=1))
    assert batch_size_of(where, {"batch_size": 64}) == 64
    assert batch_size_of(where, {"batch_size": 32}) is None
