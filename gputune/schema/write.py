"""Records -> JSON. Standard library only."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol


class Record(Protocol):
    """A versioned record: a dataclass with a schema name and a version."""

    SCHEMA: ClassVar[str]
    VERSION: ClassVar[int]
    __dataclass_fields__: ClassVar[dict[str, Any]]


# Field names of the published JSON that are no Python identifiers.
_RENAMED = {"condition": "if"}


def to_dict(record: Record) -> dict[str, Any]:
    """The JSON object of a record: `schema`, `version`, then its fields."""
    body = {"schema": record.SCHEMA, "version": record.VERSION}
    body.update(_plain(record))
    return body


def to_json(record: Record) -> str:
    """The record as JSON text, ending in a newline. NaN and infinity become null."""
    return json.dumps(to_dict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            _RENAMED.get(field.name, field.name): _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        # A lone surrogate (a file name that is no UTF-8) cannot be written as JSON text.
        return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    return value
