"""Whatever a file holds, reading it gives a record or UnreadableRecord, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gputune.schema.profile import Command, Environment, Profile
from gputune.schema.read import UnreadableRecord, parse_record, read_record
from gputune.schema.write import to_dict, to_json

PROFILE = Profile(
    command=Command(
        argv=("train.py",),
        mode="default",
        working_directory="/home/user",
        started_utc="2025-01-31T12:00:00Z",
        duration_s=1.0,
        exit_code=0,
        stopped_by_gputune=True,
    ),
    script="train.py",
    environment=Environment(gputune="0.1.0", python="3.11.9", platform="Linux", host="machine"),
    verdict="fine",
)
TEXT = to_json(PROFILE)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def read_or_refuse(text: str) -> Profile | None:
    """The record, or None after UnreadableRecord; any other exception goes on."""
    try:
        return parse_record(text)
    except UnreadableRecord as error:
        assert error.hint
        return None


@given(st.integers(min_value=0, max_value=len(TEXT.rstrip()) - 1))
def test_a_truncated_file_is_refused(length: int) -> None:
    assert read_or_refuse(TEXT[:length]) is None


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    assert read_or_refuse(text) is None


@given(JSON_VALUES)
def test_any_foreign_json_is_refused(value: Any) -> None:
    assert read_or_refuse(json.dumps(value)) is None


@given(st.dictionaries(st.sampled_from(sorted(to_dict(PROFILE))), JSON_VALUES))
def test_any_value_in_any_field_gives_a_record_or_a_refusal(changes: dict[str, Any]) -> None:
    read = read_or_refuse(json.dumps({**to_dict(PROFILE), **changes}))

    assert read is None or isinstance(read, Profile)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary())
def test_any_bytes_in_a_file_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)

    with pytest.raises(UnreadableRecord):
        read_record(path)


@given(st.binary(min_size=1, max_size=3), st.integers(min_value=0, max_value=len(TEXT) - 1))
def test_damaged_bytes_give_a_record_or_a_refusal(damage: bytes, at: int) -> None:
    content = TEXT.encode()
    damaged = content[:at] + damage + content[at + len(damage) :]

    read_or_refuse(damaged.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 5_000,
        '{"schema": []}',
        '{"schema": {"a": 1}}',
        '{"schema": "gputune.profile", "version": true}',
        '{"schema": "gputune.profile", "version": 1.0}',
        '{"schema": "gputune.profile", "version": 0}',
        '{"schema": "gputune.profile", "version": NaN}',
        '{"schema": "gputune.profile"}',
        '{"schema": "gputune.profile", "version": 1}',
        '{"schema": "gputune.profile", "version": 1, "script": "\\ud800"}',
        '{"schema": "gputune.profile", "version": 1, "phases": ' + "[" * 900 + "]" * 900 + "}",
    ],
    ids=lambda text: text[:40],
)
def test_awkward_json_is_refused(text: str) -> None:
    assert read_or_refuse(text) is None


def test_a_newer_version_is_refused_with_the_way_out() -> None:
    newer = json.dumps({**to_dict(PROFILE), "version": Profile.VERSION + 1})

    with pytest.raises(UnreadableRecord, match="newer gputune") as refused:
        parse_record(newer)

    assert "newer gputune" in refused.value.hint


def test_a_newer_version_is_refused_as_newer_even_when_its_fields_are_unknown() -> None:
    with pytest.raises(UnreadableRecord, match="newer gputune"):
        parse_record('{"schema": "gputune.profile", "version": 99, "other": 1}')


def test_a_wrong_field_is_named_by_its_path() -> None:
    body = to_dict(PROFILE)
    body["command"]["exit_code"] = "zero"

    with pytest.raises(UnreadableRecord, match=r"command\.exit_code"):
        parse_record(json.dumps(body))


def test_a_cut_off_file_is_refused_with_the_line_where_it_ends() -> None:
    lines = TEXT.splitlines()
    with pytest.raises(UnreadableRecord, match=r"line 5\b"):
        parse_record("\n".join(lines[:5]))


@pytest.mark.parametrize("path", ["missing.json", "", "null\0byte.json"])
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UnreadableRecord, match="cannot read"):
        read_record(tmp_path / path)


def test_a_binary_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04\xff\xfe")

    with pytest.raises(UnreadableRecord, match=r"model\.keras is not a text file"):
        read_record(path)
