"""A list of reports as a page, newest first; its only links are those to their pages."""

from __future__ import annotations

from collections.abc import Sequence

from gputune.report.index import Entry
from gputune.report.page import render


def render_index(found: Sequence[Entry], *, title: str, left_out: Sequence[str] = ()) -> str:
    """Return the page; `left_out` are files that are no readable reports, each with its reason."""
    return render("index.html.j2", None, entries=found, heading=title, left_out=left_out)
