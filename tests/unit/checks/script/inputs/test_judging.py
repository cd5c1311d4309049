"""What the first kernel is given, and what of it is not normalised."""

from __future__ import annotations

from gputune.checks.script.inputs.judging import judge
from gputune.checks.script.probe.facts import FirstInput, Values
from gputune.checks.script.probe.sites import Sites


def first(
    shape: tuple[int, ...],
    low: float,
    high: float,
    rms: tuple[float, ...],
    normalised: bool = False,
) -> FirstInput:
    mean, std = (low + high) / 2, (high - low) / 4
    values = Values(
        name="x", shape=shape, kind="float", minimum=low, maximum=high, mean=mean, std=std
    )
    return FirstInput(
        layer="conv", kind="Conv2D", values=values, column_rms=rms, normalised_after=normalised
    )


def count(one: FirstInput) -> int:
    return len(list(judge([one], Sites())))


IMAGE = (32, 28, 28, 3)


def test_bytes_are_found_and_what_was_divided_is_not() -> None:
    assert count(first(IMAGE, 0, 255, (140, 140, 140))) == 1
    assert count(first(IMAGE, 0, 1, (0.5, 0.5, 0.5))) == 0
    assert count(first(IMAGE, -1, 1, (0.5, 0.5, 0.5))) == 0


def test_a_normalisation_behind_the_first_kernel_is_enough() -> None:
    assert count(first(IMAGE, 0, 255, (140, 140, 140), normalised=True)) == 0


def test_what_older_pretrained_networks_are_given_is_meant() -> None:
    assert count(first(IMAGE, -123.7, 151.1, (70, 70, 70))) == 0


def test_each_feature_counts_by_itself() -> None:
    (one,) = judge([first((32, 4), -3, 90_000, (1.0, 26.0, 24.0, 50_000.0))], Sites())
    assert one.id == "inputs-not-normalised" and one.severity == "warning"
    assert "2 of 4 features are above 25" in one.evidence[0]
    assert one.evidence[0].endswith("3 (5e+04), 1 (26)")
    assert count(first((32, 4), 0, 16, (7.0, 16.0, 0.0, 1.0))) == 0


def test_many_channels_are_features_and_no_image() -> None:
    assert count(first((32, 9, 9, 64), -500, 500, (300.0,) * 64)) == 1
