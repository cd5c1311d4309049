"""Profiles in which every text is an attack on whoever shows it."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

_Record = TypeVar("_Record")

# Ends a script, is markup of rich, colours a terminal, retitles its window, turns the direction
# of writing, breaks the line, and names an outside address.
NASTY = (
    "</script><script src=https://evil.example/x.js></script><img src=x onerror=alert(1)>"
    '[bold red]x[/x]{{ 7 * 7 }}\x1b[31m\x1b]0;owned\x07\x9b2J\u202e\r\n\x00 it\'s "&amp;" \udc80'
)


def with_texts(record: _Record, nasty: str = NASTY) -> _Record:
    """The record with `nasty` behind every text that a script or a machine could choose."""
    changed: _Record = _changed(record, nasty)
    return changed


def _changed(value: Any, nasty: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: _changed(getattr(value, field.name), nasty)
            for field in dataclasses.fields(value)
            # gputune's own words, which say what a record means
            if field.name not in {"severity", "device"}
        }
        return dataclasses.replace(value, **fields)
    if isinstance(value, tuple):
        return tuple(_changed(item, nasty) for item in value)
    return value + nasty if isinstance(value, str) else value
