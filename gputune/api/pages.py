"""The HTML page of any record, written to a file."""

from __future__ import annotations

from pathlib import Path

from gputune.api.files import write_text
from gputune.report.comparison_html import render_comparison_page
from gputune.report.html import render_html
from gputune.report.study_html import render_study_page
from gputune.report.trace_html import render_trace_html
from gputune.schema.comparison import Comparison
from gputune.schema.read import AnyRecord
from gputune.schema.study import Study
from gputune.schema.trace import TraceReport


def render_page(record: AnyRecord, *, json_name: str) -> str:
    """Return the page of a record, which saves its JSON as `json_name`."""
    if isinstance(record, Study):
        return render_study_page(record, json_name=json_name)
    if isinstance(record, Comparison):
        return render_comparison_page(record, json_name=json_name)
    if isinstance(record, TraceReport):
        return render_trace_html(record, json_name=json_name)
    return render_html(record, json_name=json_name)


def write_page(record: AnyRecord, path: Path, *, json_name: str, force: bool) -> None:
    """Write the HTML page of a record; raises OutputFailed where it cannot be written."""
    text = render_page(record, json_name=json_name)
    write_text(path, text, option="--html", force=force)
