"""The line of a finding: the layer's where it is known, else the one that trains."""

from __future__ import annotations

from gputune.checks.script.probe.sites import Sites
from gputune.schema.site import Site

FIT, MADE = Site(file="train.py", line=9), Site(file="model.py", line=3)


def test_a_layer_is_found_by_the_last_of_its_names() -> None:
    sites = Sites(FIT, {"dense": MADE})
    assert sites.of("dense") == sites.of("block/dense") == MADE
    assert sites.of("dense/other") == sites.of("") == FIT
    assert Sites().of("dense") is None
