from __future__ import annotations

import json
from dataclasses import replace

from gputune.schema.study import Configuration
from gputune.schema.write import to_json
from tests.unit.report.test_study import STUDY


def test_what_json_cannot_hold_is_made_plain_inside_a_mapping_too() -> None:
    """The knobs are a mapping, whose names and values come from the script and its files."""
    knobs = {"file \udc80": "\udc80", "rate": float("nan")}
    study = replace(STUDY, baseline=Configuration(knobs=knobs, samples_per_s=float("inf")))
    text = to_json(study)
    text.encode()
    found = json.loads(text)["baseline"]
    assert found["knobs"] == {"file \\udc80": "\\udc80", "rate": None}
    assert found["samples_per_s"] is None
