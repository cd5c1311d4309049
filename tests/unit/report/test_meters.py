from __future__ import annotations

from dataclasses import replace

import pytest

from gputune.report.meters import ceilings, meters, stage_meters
from gputune.schema.profile import Ceilings
from tests.unit.report import sample


def test_the_longest_bar_is_the_largest_value_and_an_unknown_one_has_none() -> None:
    bars = meters([("a", 2.0, "", ""), ("b", 8.0, "", ""), ("c", None, "", ""), ("d", 0.0, "", "")])
    assert [bar.fraction for bar in bars] == [0.25, 1.0, None, 0.0]
    assert [bar.fraction for bar in meters([("a", None, "", "")])] == [None]


def test_the_lower_ceiling_is_the_limit() -> None:
    """921 and 2645 samples/s, 763.7 reached."""
    own, of_input, of_model = ceilings(sample.cpu_profile())
    assert (own.kind, of_input.kind, of_model.kind) == ("own", "limit", "")
    assert own.fraction == pytest.approx(763.7 / 2645)
    assert of_input.fraction == pytest.approx(921 / 2645)
    nothing = replace(sample.cpu_profile(), ceilings=Ceilings())
    assert [bar.kind for bar in ceilings(nothing)] == ["own", "", ""]
    assert ceilings(sample.minimal_profile()) == []


def test_the_longest_bar_of_the_pipeline_is_the_bottleneck() -> None:
    """.map(decode) gives 34.4 batches/s, .map(augment) 270, the model 2645/32 = 82.7."""
    bars, model = stage_meters(sample.cpu_profile())
    by_name = {bar.label: bar for bar in bars}
    assert by_name[".map(decode)"].fraction == 1.0
    assert by_name[".map(decode)"].kind == "limit"
    assert by_name[".map(augment)"].fraction == pytest.approx(34.4 / 270)
    assert by_name["from_tensor_slices"].fraction is None, "its rate is not known"
    assert model is not None
    assert model.fraction == pytest.approx(34.4 / (2645 / 32))
