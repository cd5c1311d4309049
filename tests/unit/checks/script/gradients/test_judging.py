"""Gradients, dead units and kernels at and around their thresholds."""

from __future__ import annotations

import pytest

from gputune.checks.script.gradients.judging import Kernel, judge_kernels, judge_passes
from gputune.checks.script.probe.facts import Activation, Gradient, Pass
from gputune.checks.script.probe.sites import Sites
from gputune.schema.site import Site

WHERE = Site(file="train.py", line=4)
SITES = Sites(None, {"low": WHERE})


def gradients(**norms: float | None) -> tuple[Gradient, ...]:
    return tuple(
        Gradient(layer=name, weight="kernel", norm=norm, missing=norm is None)
        for name, norm in norms.items()
    )


def both(first: tuple[Gradient, ...], last: tuple[Gradient, ...]) -> list[Pass]:
    return [Pass(weights="first", gradients=first), Pass(weights="last", gradients=last)]


def ids(passes: list[Pass]) -> list[tuple[str, str]]:
    return [(str(one.severity), one.id) for one in judge_passes(passes, SITES)]


def test_a_layer_a_million_times_below_the_largest_has_vanished() -> None:
    low = gradients(low=1e-7, high=1.0)
    (one,) = judge_passes(both(low, low), SITES)
    assert (one.id, one.severity, one.site) == ("vanishing-gradients", "warning", WHERE)
    assert "low" in one.title and "1e-07 times" in one.evidence[0]
    enough = gradients(low=1e-5, high=1.0)
    assert ids(both(enough, enough)) == []


def test_a_branch_that_begins_at_zero_and_wakes_up_has_not_vanished() -> None:
    assert ids(both(gradients(low=0.0, high=1.0), gradients(low=0.1, high=1.0))) == []
    assert ids([Pass(weights="first", gradients=gradients(low=0.0, high=1.0))]) == []


def test_biases_do_not_count_as_vanished() -> None:
    key = Gradient(layer="key", weight="bias", rank=2, norm=1e-12)
    gamma = Gradient(layer="norm", weight="gamma", rank=1, norm=1e-12)
    one = (*gradients(high=1.0), key, gamma)
    assert ids(both(one, one)) == []


def test_exploding_needs_growth_and_size() -> None:
    assert ids(both(gradients(a=1.0), gradients(a=2000.0))) == [("warning", "exploding-gradients")]
    assert ids(both(gradients(a=1.0), gradients(a=900.0))) == []
    assert ids(both(gradients(a=500.0), gradients(a=2000.0))) == []
    assert ids(both(gradients(a=1e-6), gradients(a=1.0))) == []


def test_one_held_batch_with_a_large_gradient_is_not_an_explosion() -> None:
    passes = both(gradients(a=1.0), gradients(a=5000.0))
    assert ids([*passes, Pass(weights="last", gradients=gradients(a=1.0))]) == []


def test_no_gradient_for_a_layer_and_for_all() -> None:
    some = gradients(low=None, high=1.0)
    assert ids(both(some, some)) == [("warning", "no-gradient")]
    none = gradients(low=None, high=None)
    assert ids(both(none, none)) == [("problem", "no-gradient")]
    bias = (*some, Gradient(layer="low", weight="bias", norm=1.0))
    assert ids(both(bias, bias)) == []


def relu(dead: tuple[int, ...], samples: int = 32, units: int = 4) -> Pass:
    call = Activation(layer="low", kind="Dense", relu=True, units=units, dead=dead, samples=samples)
    return Pass(weights="last", activations=(call,))


def test_units_are_dead_where_they_are_zero_in_every_batch() -> None:
    every = tuple(range(8))
    (one,) = judge_passes([relu(every, units=8), relu(every, units=8)], SITES)
    assert (one.id, one.severity, one.site) == ("dead-units", "problem", WHERE)
    assert "8 of 8 units are zero for all of 64 samples" in one.evidence[0]
    assert ids([relu((0, 1, 2, 3))]) == [("warning", "dead-units")], "few may be by chance"
    assert ids([relu((0, 1)), relu((0, 1, 3))]) == [("warning", "dead-units")]
    assert ids([relu((0, 1)), relu((1, 2))]) == []


def test_few_samples_show_no_dead_unit() -> None:
    assert ids([relu((0, 1, 2, 3), samples=15), relu((0, 1, 2, 3), samples=16)]) == []


def test_dead_units_before_the_training_are_none_after_it() -> None:
    call = relu((0, 1, 2, 3)).activations
    assert ids([Pass(weights="first", activations=call), relu(())]) == []


def kernel(**fields) -> Kernel:
    return Kernel(**{"layer": "low", "units": 8, "fan_in": 50, "rms": 0.2, **fields})


def kernel_ids(one: Kernel, steps: int = 40) -> list[str]:
    return [finding.id for finding in judge_kernels([one], steps, SITES)]


def test_units_that_were_and_are_alike_are_symmetric() -> None:
    alike = kernel(alike_before=True, alike_after=True)
    assert kernel_ids(alike) == ["weights-symmetric"]
    assert kernel_ids(alike, steps=4) == []
    assert kernel_ids(kernel(alike_before=True)) == []
    assert kernel_ids(kernel(units=1, alike_before=True, alike_after=True)) == []


@pytest.mark.parametrize(("rms", "found"), [(2.1, ["weights-too-large"]), (1.9, [])])
def test_ten_times_he_is_too_large(rms: float, found: list[str]) -> None:
    # sqrt(2 / 50) = 0.2
    assert kernel_ids(kernel(rms=rms)) == found
