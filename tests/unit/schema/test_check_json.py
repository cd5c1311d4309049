"""A CheckReport survives being written as JSON and read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from gputune.schema import publish
from gputune.schema.check import CheckReport
from gputune.schema.read import parse_record
from gputune.schema.write import to_json
from tests.unit.schema.test_profile_json import values_of


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(values_of(CheckReport))
def test_any_report_reads_back_equal_and_is_valid(written: CheckReport) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    text = to_json(written)
    read = parse_record(text)
    assert read == written and repr(read) == repr(written)
    schema = json.loads((publish.FOLDER / "check.schema.json").read_text(encoding="utf-8"))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(json.loads(text))) == []
