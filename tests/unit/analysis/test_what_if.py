from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.input_wait import InputWait
from gputune.analysis.what_if import what_if
from gputune.schema import conditions
from gputune.schema.profile import Breakdown, Steps, WhatIf


def steps(mean_s: float | None = 0.1, per_call: int = 1) -> Steps:
    return Steps(
        count=10, warmup_count=0, measured_count=10, batch_size=32, steps_per_execution=per_call,
        mean_s=mean_s,
    )  # fmt: skip


def waited(fraction: float, interval: tuple[float, float] | None = None) -> InputWait:
    return InputWait(
        fraction=fraction, interval=interval, held_step_s=0.1, held_between_s=0.0, real_step_s=0.1,
        pairs=4,
    )  # fmt: skip


CPU = Breakdown(input_wait_s=0.04, device_compute_s=0.02, launch_s=0.024, python_s=0.016)
GPU = Breakdown(
    input_wait_s=0.04, device_compute_s=0.02, h2d_exposed_s=0.015, d2h_exposed_s=0.005,
    launch_s=0.008, python_s=0.012, device="gpu",
)  # fmt: skip


def prices(breakdown: Breakdown, **more: Any) -> dict[str, WhatIf]:
    given = {"steps": steps(), "wait": waited(0.0), "waits_for_loss": True, **more}
    found = what_if(given.pop("steps"), given.pop("wait"), breakdown, **given)
    return {w.condition: w for w in found}


def test_free_input_leaves_the_held_step_and_is_measured() -> None:
    found = prices(Breakdown(), wait=waited(0.75))[conditions.INPUT_READY]
    assert (found.step_s, found.speedup) == (pytest.approx(0.025), pytest.approx(4))
    assert found.basis.startswith("measured")


def test_every_other_price_says_that_it_is_a_model() -> None:
    for found in (*prices(CPU).values(), *prices(GPU).values()):
        if found.condition != conditions.INPUT_READY:
            assert found.basis.startswith("model: ")


def test_hidden_copies_leave_the_step_without_the_exposed_ones() -> None:
    found = prices(GPU)[conditions.COPIES_HIDDEN]
    assert found.step_s == pytest.approx(0.08)
    assert found.speedup == pytest.approx(1.25)
    assert conditions.COPIES_HIDDEN not in prices(CPU)


def test_a_free_host_leaves_out_dispatch_and_python() -> None:
    assert prices(CPU)[conditions.HOST_FREE].step_s == pytest.approx(0.06)
    assert prices(GPU)[conditions.HOST_FREE].step_s == pytest.approx(0.08)


def test_on_a_cpu_the_free_host_is_called_a_bound() -> None:
    assert "at most" in prices(CPU)[conditions.HOST_FREE].basis
    assert "at most" not in prices(GPU)[conditions.HOST_FREE].basis


def test_the_host_once_in_32_steps_costs_a_32nd() -> None:
    # 40 ms of host: 1.25 ms of them are left in each step.
    found = prices(CPU)[conditions.LOSS_SELDOM]
    assert found.step_s == pytest.approx(0.1 - 0.040 + 0.00125)
    assert "32" in found.condition


@pytest.mark.parametrize(
    "given", [{"waits_for_loss": False}, {"steps": steps(per_call=8)}], ids=["loop", "8 at once"]
)
def test_who_does_not_wait_at_every_step_is_not_told_the_price_of_it(given: Any) -> None:
    assert conditions.LOSS_SELDOM not in prices(CPU, **given)


@pytest.mark.parametrize(
    ("wait", "priced"),
    [
        (waited(0.049), True), (waited(0.05), False), (waited(0.4, (-0.1, 0.9)), True),
        (waited(0.4, (0.1, 0.7)), False),
    ],
)  # fmt: skip
def test_where_the_input_sets_the_pace_the_rest_alone_gains_nothing(
    wait: InputWait, priced: bool
) -> None:
    alone = {conditions.COPIES_HIDDEN, conditions.HOST_FREE, conditions.LOSS_SELDOM}
    found = set(prices(GPU, wait=wait))
    assert found & alone == (alone if priced else set())
    assert {conditions.INPUT_READY, conditions.INPUT_AND_HOST_FREE} <= found


@pytest.mark.parametrize(("input_s", "step_s"), [(0.02, 0.06), (0.07, 0.07), (0.11, 0.1)])
def test_no_step_is_priced_below_what_the_input_alone_needs(input_s: float, step_s: float) -> None:
    found = prices(CPU, wait=waited(0.4, (0.1, 0.7)), input_batch_s=input_s)
    assert found[conditions.HOST_FREE].step_s == pytest.approx(step_s)
    assert ("the input alone" in found[conditions.HOST_FREE].basis) == (input_s > 0.06)
    assert found[conditions.INPUT_AND_HOST_FREE].step_s == pytest.approx(0.02)


def test_with_input_and_host_free_the_device_is_left() -> None:
    assert prices(CPU)[conditions.INPUT_AND_HOST_FREE].step_s == pytest.approx(0.02)
    assert prices(GPU)[conditions.INPUT_AND_HOST_FREE].step_s == pytest.approx(0.04)


def test_what_is_not_known_has_no_price() -> None:
    assert set(prices(Breakdown(other_s=0.1), wait=None)) == set()
    assert set(prices(Breakdown(input_wait_s=0.04, python_s=0.01))) == {conditions.INPUT_READY}
    assert prices(CPU, steps=steps(None)) == {}


def test_a_step_of_which_nothing_is_left_has_no_price() -> None:
    assert prices(Breakdown(), wait=waited(1.0)) == {}
    none_left = Breakdown(input_wait_s=0.05, launch_s=0.03, python_s=0.02)
    assert conditions.INPUT_AND_HOST_FREE not in prices(none_left)


@pytest.mark.parametrize(("python_s", "priced"), [(0.0499, True), (0.0501, False)])
def test_on_a_cpu_what_leaves_next_to_nothing_of_the_step_has_no_price(
    python_s: float, priced: bool
) -> None:
    """A tenth of the step is left where 40 ms of dispatch and 50 ms of Python are taken off."""
    parts = Breakdown(input_wait_s=0.0, launch_s=0.04, python_s=python_s)
    assert (conditions.HOST_FREE in prices(parts)) == priced
    on_gpu = Breakdown(input_wait_s=0.0, launch_s=0.04, python_s=python_s, device="gpu")
    assert conditions.HOST_FREE in prices(on_gpu)
