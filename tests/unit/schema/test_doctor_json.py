"""A Doctor report survives being written as JSON and read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from gputune.schema import publish
from gputune.schema.doctor import DoctorReport
from gputune.schema.finding import Severity
from gputune.schema.read import UnreadableRecord, parse_record
from gputune.schema.write import to_dict, to_json
from tests.unit.report.doctor_sample import report
from tests.unit.schema.test_profile_json import values_of


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(values_of(DoctorReport))
def test_any_report_reads_back_equal_and_is_valid(written: DoctorReport) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    text = to_json(written)
    read = parse_record(text)
    assert read == written and repr(read) == repr(written)
    schema = json.loads((publish.FOLDER / "doctor.schema.json").read_text(encoding="utf-8"))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(json.loads(text))) == []


def test_the_json_has_the_names_that_were_agreed_on() -> None:
    body = to_dict(report())
    assert (body["schema"], body["version"]) == ("gputune.doctor", 1)
    section = body["sections"][0]
    assert section["name"] == "GPU"
    assert set(section["findings"][0]) >= {"id", "severity", "title", "evidence", "remedy"}


def test_findings_are_counted_by_their_severity() -> None:
    found = report()
    assert [one.id for one in found.problems] == ["gpus-hidden"]
    assert len(found.of(Severity.WARNING)) == 1
    frame = found.to_frame().set_index("id")
    assert frame.loc["gpus-hidden", "severity"] == "problem"
    assert frame.loc["gpus-hidden", "section"] == "GPU"
    assert "Unset CUDA_VISIBLE_DEVICES" in frame.loc["gpus-hidden", "remedy"]


@pytest.mark.parametrize("change", [{"sections": 3}, {"verdict": None}, {"version": 2}])
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UnreadableRecord):
        parse_record(json.dumps({**to_dict(report()), **change}))
