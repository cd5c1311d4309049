"""JSON -> records, validated by pydantic. Never imported inside the user's process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic

from gputune.schema.check import CheckReport
from gputune.schema.comparison import Comparison
from gputune.schema.doctor import DoctorReport
from gputune.schema.profile import Profile
from gputune.schema.study import Study
from gputune.schema.trace import TraceReport
from gputune.schema.write import _RENAMED

AnyRecord = Profile | Study | TraceReport | Comparison | CheckReport | DoctorReport
_KNOWN: dict[str, Any] = {
    Profile.SCHEMA: Profile,
    Study.SCHEMA: Study,
    TraceReport.SCHEMA: TraceReport,
    Comparison.SCHEMA: Comparison,
    DoctorReport.SCHEMA: DoctorReport,
    CheckReport.SCHEMA: CheckReport,
}
_ORIGINAL = {new: old for old, new in _RENAMED.items()}


class UnreadableRecord(ValueError):
    """A file that is no record of gputune's; `hint` says what to do about it."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def read_record(path: Path) -> AnyRecord:
    """Read a record from a JSON file.

    Raises UnreadableRecord where the file is missing, is no JSON, is none of gputune's records,
    was written by a newer gputune, or does not hold what its schema says.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableRecord(
            f"{path} is not a text file", "give the .json file of a gputune report"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise UnreadableRecord(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}",
            "give the path of a gputune report",
        ) from error
    return parse_record(text, name=str(path))


def parse_record(text: str, *, name: str = "the text") -> AnyRecord:
    """The record in a JSON text; raises UnreadableRecord as `read_record` does."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of 5000 digits
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UnreadableRecord(
            f"{name} is not valid JSON{where}",
            "the file is damaged or cut off: make the report again",
        ) from error
    named = body.get("schema") if isinstance(body, dict) else None
    if not isinstance(named, str) or named not in _KNOWN:
        raise UnreadableRecord(
            f"{name} is not a gputune report",
            "give a .json file that `gputune profile`, `tune`, `trace`, `compare`, `check` or "
            "`doctor` wrote (its first line names its schema)",
        )
    kind = _KNOWN[named]
    version = body.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnreadableRecord(f"{name} has no valid version", "make the report again")
    if version > kind.VERSION:
        raise UnreadableRecord(
            f"{name} was written by a newer gputune (version {version} of {named})",
            "read it with a newer gputune",
        )
    fields = {key: value for key, value in body.items() if key not in {"schema", "version"}}
    try:
        return _adapter(kind).validate_python(_restore(fields))  # type: ignore[no-any-return]
    except (pydantic.ValidationError, RecursionError) as error:
        raise UnreadableRecord(
            f"{name} does not hold what {named} says{_first(error)}",
            "the file was changed by hand or damaged: make the report again",
        ) from error


def json_schema(kind: type = Profile) -> dict[str, Any]:
    """The JSON Schema of a record, as published with the package."""
    schema = _adapter(kind).json_schema()
    for definition in schema.get("$defs", {}).values():
        properties = definition.get("properties", {})
        for old, new in _RENAMED.items():
            if old in properties:
                properties[new] = properties.pop(old)
                definition["required"] = [
                    new if item == old else item for item in definition.get("required", [])
                ]
    schema["properties"] = {
        "schema": {"const": kind.SCHEMA},  # type: ignore[attr-defined]
        "version": {"const": kind.VERSION},  # type: ignore[attr-defined]
        **schema["properties"],
    }
    schema["required"] = ["schema", "version", *schema["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _adapter(kind: type) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


def _restore(value: Any) -> Any:
    """Give the fields their Python names back, and lists the tuples' form that records use."""
    if isinstance(value, dict):
        return {_ORIGINAL.get(key, key): _restore(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_restore(item) for item in value)
    return value


def _first(error: Exception) -> str:
    if not isinstance(error, pydantic.ValidationError):
        return ""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f" (at {'.'.join(map(str, first['loc']))}: {first['msg']})"
