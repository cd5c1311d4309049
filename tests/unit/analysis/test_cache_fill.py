from __future__ import annotations

import pytest

from gputune.analysis.cache_fill import amortised, fill_step_s
from gputune.analysis.run import Row


def row(t: float, *, epoch: int = 0, steps: int = 1, phase: str = "warmup") -> Row:
    return Row(t, t + 0.01, t + 0.01, steps, epoch, phase, 0)


def test_the_first_epoch_without_the_calls_that_trace() -> None:
    rows = [row(0), row(10), row(12), row(13), row(15), row(99, epoch=1), row(100, phase="clean")]
    assert fill_step_s(rows) == pytest.approx((1 + 2) / 2)


def test_calls_of_several_steps_count_each() -> None:
    rows = [row(t, steps=4) for t in (0, 5, 6, 8)]
    assert fill_step_s(rows) == pytest.approx(2 / 4)


def test_too_few_calls_say_nothing() -> None:
    assert fill_step_s([row(0), row(1), row(2)]) is None


@pytest.mark.parametrize("epochs", [1, 2, 7, 1000])
def test_amortised_is_all_samples_over_all_seconds(epochs: int) -> None:
    samples, fill, steady = 500.0, 40.0, 900.0
    seconds = samples / fill + (epochs - 1) * samples / steady
    assert amortised(steady, fill, epochs) == pytest.approx(epochs * samples / seconds)
