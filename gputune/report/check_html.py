"""A CheckReport as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from gputune.report import check_rows as rows
from gputune.report.around import callback_text
from gputune.report.page import render
from gputune.schema.check import CheckReport


def render_check_page(report: CheckReport, *, json_name: str = "check.json") -> str:
    """Return a complete HTML page of a check.

    The page holds the report's JSON too: in the element `#gputune-check`, and behind a link that
    saves it as `json_name`.
    """
    return render(
        "check.html.j2", report, json_name=json_name, report=report, rows=rows,
        callback_text=callback_text,
    )  # fmt: skip
