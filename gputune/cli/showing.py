"""A record on the terminal, and its JSON on standard output where that is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

from gputune.cli.console import Color, needs_ascii, wants_color, width

if TYPE_CHECKING:
    from gputune.schema.read import AnyRecord

_RENDERERS: Final = {
    "gputune.profile": ("terminal", "render_profile"),
    "gputune.study": ("study_terminal", "render_study"),
    "gputune.comparison": ("comparison_terminal", "render_comparison"),
    "gputune.trace": ("trace_terminal", "render_trace"),
    "gputune.check": ("check_terminal", "render_check"),
    "gputune.doctor": ("doctor_terminal", "render_doctor"),
}
"""The renderer of each schema, loaded at its first use."""


def rendered(record: AnyRecord, stream: TextIO, color: Color, **more: Any) -> str:
    """Return the record as text for the stream; `more` is what its renderer takes besides."""
    module, name = _RENDERERS[record.SCHEMA]
    renderer = getattr(importlib.import_module(f"gputune.report.{module}"), name)
    return str(
        renderer(
            record, width=width(stream), color=wants_color(color, stream),
            ascii_only=needs_ascii(stream), **more,
        )
    )  # fmt: skip


def show(
    record: AnyRecord, stream: TextIO, color: Color, *, json_too: bool = False, **more: Any
) -> None:
    """Write the record to the stream, and with `json_too` its JSON to standard output."""
    from gputune.schema.write import to_json

    stream.write(rendered(record, stream, color, **more))
    if json_too:
        sys.stdout.write(to_json(record))
        sys.stdout.flush()
