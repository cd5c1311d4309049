"""A Profile survives being written as JSON and read back."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gputune.schema import publish
from gputune.schema.config import Setting
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import (
    Breakdown,
    Command,
    Environment,
    Profile,
    Stage,
    Steps,
    WhatIf,
)
from gputune.schema.read import parse_record, read_record
from gputune.schema.site import Frame, Site
from gputune.schema.write import to_dict, to_json


def profile(**changes: Any) -> Profile:
    """The smallest Profile, with `changes`."""
    return dataclasses.replace(
        Profile(
            command=Command(
                argv=("train.py", "--epochs", "3"),
                mode="default",
                working_directory="/home/user",
                started_utc="2025-01-31T12:00:00Z",
                duration_s=12.5,
                exit_code=0,
                stopped_by_gputune=True,
            ),
            script="train.py",
            environment=Environment(
                gputune="0.1.0", python="3.11.9", platform="Linux", host="machine"
            ),
            verdict="The step waits for its input.",
        ),
        **changes,
    )


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Every value that a field of type `hint` may hold; floats are finite."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return st.one_of(*map(values_of, arguments))
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, arguments))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(
            hint, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(hint)}
        )
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    return {
        bool: st.booleans(),
        int: st.integers(),
        str: st.text(max_size=8),
        type(None): st.none(),
    }[hint]


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(values_of(Profile))
def test_any_profile_reads_back_equal_to_the_last_type(written: Profile) -> None:
    read = parse_record(to_json(written))

    assert read == written
    assert repr(read) == repr(written), "1, 1.0 and True are equal, but not the same value"


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(values_of(Profile))
def test_any_written_profile_is_valid_by_the_published_schema(written: Profile) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads((publish.FOLDER / "profile.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)

    assert list(validator.iter_errors(json.loads(to_json(written)))) == []


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads((publish.FOLDER / "profile.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    body = to_dict(profile())

    assert validator.is_valid(body)
    assert not validator.is_valid({**body, "schema": "gputune.config"})
    assert not validator.is_valid({**body, "version": 2})
    assert not validator.is_valid({**body, "verdict": None})
    assert not validator.is_valid({key: body[key] for key in body if key != "schema"})


def test_a_full_profile_reads_back_from_its_file(tmp_path: Path) -> None:
    site = Site(
        file="/home/user/train.py",
        line=42,
        function="main",
        code="ds.map(decode)",
        via=(Frame(file="/home/user/run.py", line=7),),
    )
    written = profile(
        config=(Setting(knob="batch_size", value=32, was=16, site=site),),
        steps=Steps(
            count=100,
            warmup_count=10,
            measured_count=90,
            batch_size=32,
            steps_per_execution=1,
            ci95_s=(0.01, 0.02),
        ),
        findings=(Finding(id="serial-map", severity=Severity.PROBLEM, title="x", site=site),),
        what_if=(WhatIf(condition="input were free", step_s=0.01, speedup=2.0, basis="measured"),),
    )
    path = tmp_path / "report.json"
    path.write_text(to_json(written), encoding="utf-8")

    assert read_record(path) == written


def test_the_json_starts_with_its_schema_and_version() -> None:
    assert list(json.loads(to_json(profile())).items())[:2] == [
        ("schema", "gputune.profile"),
        ("version", 1),
    ]


def test_the_json_is_text_that_ends_in_one_newline_and_keeps_its_letters() -> None:
    text = to_json(profile(verdict="Größe × 2"))

    assert text.endswith("}\n")
    assert "Größe × 2" in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_no_number_is_written_as_null(value: float) -> None:
    text = to_json(profile(breakdown=Breakdown(input_wait_s=value, launch_s=0.5)))

    breakdown = json.loads(text, parse_constant=pytest.fail)["breakdown"]
    assert breakdown["input_wait_s"] is None
    assert breakdown["launch_s"] == 0.5
    read = parse_record(text).breakdown
    assert read is not None
    assert read.input_wait_s is None


def test_what_if_names_its_condition_if_in_the_json_and_the_schema() -> None:
    written = profile(
        what_if=(WhatIf(condition="input were free", step_s=0.5, speedup=2.0, basis="measured"),)
    )

    assert json.loads(to_json(written))["what_if"] == [
        {"if": "input were free", "step_s": 0.5, "speedup": 2.0, "basis": "measured"}
    ]
    definition = json.loads(publish.schema_text(Profile))["$defs"]["WhatIf"]
    assert set(definition["properties"]) == {"if", "step_s", "speedup", "basis"}
    assert "if" in definition["required"]
    assert "condition" not in definition["required"]


def test_a_file_name_that_is_no_utf8_is_written_with_its_bytes_escaped(tmp_path: Path) -> None:
    name = b"tr\xe4in.py".decode("utf-8", "surrogateescape")
    path = tmp_path / "report.json"
    path.write_text(to_json(profile(script=name)), encoding="utf-8")

    assert read_record(path).script == r"tr\udce4in.py"


def test_a_figure_left_out_by_an_older_gputune_is_none() -> None:
    body = to_dict(profile(breakdown=Breakdown(launch_s=0.5)))
    del body["breakdown"]["input_wait_s"]
    del body["pipeline"]

    read = parse_record(json.dumps(body))

    assert read.pipeline is None
    assert read.breakdown == Breakdown(launch_s=0.5)


def test_a_field_that_this_version_does_not_know_is_ignored() -> None:
    body = {**to_dict(profile()), "weather": "fine"}

    assert parse_record(json.dumps(body)) == profile()


def test_every_quantity_of_a_stage_is_none_until_it_is_measured() -> None:
    stage = Stage(index=0, parent=None, op="ParallelMapV2", label="map(decode)")

    assert [
        field.name
        for field in dataclasses.fields(stage)
        if field.name.endswith("_s") and getattr(stage, field.name) is not None
    ] == []


def test_setting_says_the_value_in_force_or_none() -> None:
    seen = profile(config=(Setting(knob="batch_size", value=32),))

    assert seen.setting("batch_size") == 32
    assert seen.setting("prefetch") is None


def test_the_committed_schemas_are_those_of_the_records() -> None:
    committed = {
        path.name: path.read_text(encoding="utf-8") for path in publish.FOLDER.glob("*.json")
    }

    assert committed == {
        name: publish.schema_text(kind) for name, kind in publish.PUBLISHED.items()
    }, "run `python -m gputune.schema.publish` and commit what it writes"


def test_publish_writes_every_schema_and_says_where(tmp_path: Path) -> None:
    written = publish.publish(tmp_path / "new")

    assert written == [tmp_path / "new" / name for name in publish.PUBLISHED]
    assert json.loads(written[0].read_text(encoding="utf-8"))["title"] == "Profile"
