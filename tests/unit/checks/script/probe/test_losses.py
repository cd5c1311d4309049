"""Each step's own loss from the running means that Keras shows."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from gputune.checks.script.probe.losses import Losses, shows_means

LOSSES = [2.0, 1.0, 4.0, 0.5]


def means(losses: list[float]) -> list[float]:
    return [sum(losses[: n + 1]) / (n + 1) for n in range(len(losses))]


def test_the_losses_come_back_from_their_running_means_in_every_epoch() -> None:
    found = Losses()
    for epoch in range(2):
        for step, shown in enumerate(means(LOSSES), start=1):
            found.add(epoch * len(LOSSES) + step, epoch, shown)
    assert found.values == pytest.approx(LOSSES * 2)
    assert found.steps == [1, 2, 3, 4, 5, 6, 7, 8]


def test_several_steps_in_one_call_give_their_mean() -> None:
    found = Losses()
    shown = means(LOSSES)
    found.add(2, 0, shown[1])
    found.add(4, 0, shown[3])
    assert found.values == pytest.approx([1.5, 2.25])


def test_a_loss_that_is_no_mean_is_taken_as_it_is() -> None:
    found = Losses(means=False)
    for step, loss in enumerate(LOSSES, start=1):
        found.add(step, 0, loss)
    assert found.values == LOSSES


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_the_first_step_that_is_not_finite_ends_the_course(bad: float) -> None:
    found = Losses()
    for step, shown in ((1, 2.0), (2, 2.0), (3, bad), (4, bad), (5, None)):
        found.add(step, 0, shown)
    assert found.first_bad_step == 3
    assert found.values == [2.0, 2.0]


def test_a_loss_is_a_mean_where_it_is_one_of_the_models_metrics() -> None:
    named = [SimpleNamespace(name="loss"), SimpleNamespace(name="accuracy")]
    assert shows_means(SimpleNamespace(metrics=named))
    assert not shows_means(SimpleNamespace(metrics=named[1:]))
    assert not shows_means(None)
