"""A Trace report survives being written as JSON and read back."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from gputune.schema import publish
from gputune.schema.profile import Profile
from gputune.schema.read import UnreadableRecord, parse_record
from gputune.schema.trace import TraceReport
from gputune.schema.write import to_dict, to_json
from gputune.trace import xplane
from gputune.trace.summary import trace_report
from tests.fixtures import gpu_traces
from tests.unit.schema.test_profile_json import values_of

STEP_FIELDS = {
    "duration_s", "kernel_count", "kernel_s", "h2d_count", "h2d_s", "h2d_bytes", "h2d_exposed_s",
    "d2h_count", "d2h_s", "d2h_bytes", "d2h_exposed_s", "busy_s", "idle_s",
}  # fmt: skip


def made() -> TraceReport:
    content = gpu_traces.eight_gpus().bytes()
    return trace_report(xplane.parse(content), file="vm.xplane.pb", file_bytes=len(content))


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(values_of(TraceReport))
def test_any_report_reads_back_equal_and_is_valid(written: TraceReport) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    text = to_json(written)
    read = parse_record(text)
    assert read == written and repr(read) == repr(written)
    schema = json.loads((publish.FOLDER / "trace.schema.json").read_text(encoding="utf-8"))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(json.loads(text))) == []


def test_the_json_has_the_names_that_were_agreed_on() -> None:
    body = to_dict(made())
    assert (body["schema"], body["version"]) == ("gputune.trace", 1)
    assert {"file", "host", "devices", "notes", "unavailable"} <= set(body)
    device = body["devices"][1]
    assert device["name"] == "/device:GPU:1"
    assert set(device["steps"][0]) >= STEP_FIELDS
    assert set(device["capture"]) >= STEP_FIELDS


def test_a_table_has_a_row_for_each_figure() -> None:
    frame = made().to_frame().set_index("metric")
    row = frame.loc["devices[3].steps[0].kernel_s"]
    assert (row["value"], row["unit"]) == (pytest.approx(350e-9), "s")
    assert frame.loc["devices[3].capture.h2d_bytes", "unit"] == "bytes"


def test_each_record_is_read_as_what_its_schema_says() -> None:
    body = to_dict(made())
    assert isinstance(parse_record(json.dumps(body)), TraceReport)
    with pytest.raises(UnreadableRecord, match=r"gputune\.profile"):
        parse_record(json.dumps({**body, "schema": Profile.SCHEMA}))


@pytest.mark.parametrize("change", [{"devices": 3}, {"host": None}, {"version": 2}])
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UnreadableRecord):
        parse_record(json.dumps({**to_dict(made()), **change}))
