"""The first place of a NaN is the one that is named."""

from __future__ import annotations

import math

import pytest

from gputune.checks.script.numbers.judging import Seen, judge
from gputune.checks.script.probe.facts import Activation, Gradient, Pass, Values
from gputune.checks.script.probe.sites import Sites
from gputune.schema.site import Site

FIT, LAYER = Site(file="train.py", line=9), Site(file="train.py", line=3)
SITES = Sites(FIT, {"log": LAYER})


def values(name: str = "x", nan: int = 0) -> Values:
    return Values(name=name, shape=(4, 2), kind="float", count=8, nan=nan)


def layer(name: str, given: bool = True, made: bool = True) -> Activation:
    return Activation(layer=name, kind="Dense", inputs_finite=given, finite=made)


def gradient(name: str, norm: float | None = 1.0) -> Gradient:
    return Gradient(layer=name, weight="kernel", norm=norm, finite=norm is not None)


def findings(**fields):
    return list(judge(Seen(**fields), SITES))


def test_all_that_is_finite_is_no_finding() -> None:
    good = Pass(weights="first", loss=1.0, activations=(layer("a"),), gradients=(gradient("a"),))
    assert findings(data=(values(), values("y")), passes=(good,), losses=(1.0, 0.9)) == []


def test_a_bad_input_comes_before_all_that_it_spoils() -> None:
    spoiled = Pass(weights="first", loss=math.nan, activations=(layer("a", False, False),))
    (one,) = findings(data=(values(nan=3), values("y")), passes=(spoiled,), first_bad_step=2)
    assert (one.id, one.severity, one.site) == ("input-not-finite", "problem", FIT)
    assert one.evidence == (
        "3 NaN of 8 numbers that were looked at", "the loss is not finite from step 2 on",
    )  # fmt: skip


def test_a_bad_input_that_spoils_nothing_is_a_warning() -> None:
    (one,) = findings(data=(values(nan=3),), passes=(Pass(weights="first", loss=1.0),))
    assert (one.id, one.severity) == ("input-not-finite", "warning")


def test_labels_are_told_from_inputs() -> None:
    (one,) = findings(data=(values(), values("y['age']", nan=1)), first_bad_step=1)
    assert one.id == "label-not-finite" and "y['age']" in one.title


def test_the_first_layer_that_makes_it_is_named_where_it_was_made() -> None:
    calls = (layer("a"), layer("log", True, False), layer("b", False, False))
    (one,) = findings(passes=(Pass(weights="first", loss=math.nan, activations=calls),))
    assert one.id == "activation-not-finite" and "log" in one.title and one.site == LAYER


def test_minus_infinity_that_a_softmax_masks_is_no_finding() -> None:
    calls = (layer("mask", True, False), layer("softmax", False, True))
    assert findings(passes=(Pass(weights="first", loss=1.0, activations=calls),)) == []


def test_the_loss_alone() -> None:
    (one,) = findings(passes=(Pass(weights="last", loss=math.inf, activations=(layer("a"),)),))
    assert one.id == "loss-not-finite" and "infinite while all activations" in one.title


def test_a_gradient_names_its_layers_from_the_loss_backwards() -> None:
    bad = (gradient("a", None), gradient("b", None), gradient("c"))
    (one,) = findings(passes=(Pass(weights="first", loss=1.0, gradients=bad),))
    assert one.id == "gradient-not-finite"
    assert "of the layers (from the loss backwards) b, a" in one.evidence


def test_an_infinite_gradient_of_a_scaled_loss_is_part_of_the_plan() -> None:
    one = Pass(weights="first", loss=1.0, gradients=(gradient("a", None),), scaled=True)
    assert findings(passes=(one,)) == []


def test_what_begins_well_has_diverged_on_the_way() -> None:
    good = Pass(weights="first", loss=1.0, gradients=(gradient("a", 3.0), gradient("b", 4.0)))
    (one,) = findings(passes=(good,), first_bad_step=7, losses=(1.0, 50.0, 1e30))
    assert one.id == "loss-not-finite" and "from step 7 on" in one.title
    assert "the loss before: 1 at first, 1e+30 at last" in one.evidence
    assert "the norm of the gradients before the first step is 5" in one.evidence


@pytest.mark.parametrize("loss", [None, 0.0, -5.0])
def test_a_loss_that_is_unknown_or_negative_is_none_to_speak_of(loss: float | None) -> None:
    assert findings(passes=(Pass(weights="first", loss=loss),)) == []
