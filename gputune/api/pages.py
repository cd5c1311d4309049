"""The HTML page of any record, written to a file."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gputune.api.files import write_text

if TYPE_CHECKING:
    from gputune.schema.read import AnyRecord

_PAGES: Final = {
    "gputune.profile": ("html", "render_html"),
    "gputune.study": ("study_html", "render_study_page"),
    "gputune.comparison": ("comparison_html", "render_comparison_page"),
    "gputune.trace": ("trace_html", "render_trace_html"),
    "gputune.check": ("check_html", "render_check_page"),
    "gputune.doctor": ("doctor_html", "render_doctor_page"),
}
"""The renderer of each schema, loaded at its first use: `doctor` works where others do not."""


def render_page(record: AnyRecord, *, json_name: str) -> str:
    """Return the page of a record, which saves its JSON as `json_name`."""
    module, name = _PAGES[record.SCHEMA]
    renderer = getattr(importlib.import_module(f"gputune.report.{module}"), name)
    return str(renderer(record, json_name=json_name))


def write_page(record: AnyRecord, path: Path, *, json_name: str, force: bool) -> None:
    """Write the HTML page of a record; raises OutputFailed where it cannot be written."""
    text = render_page(record, json_name=json_name)
    write_text(path, text, option="--html", force=force)
