"""A Doctor report as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from gputune.report import doctor_rows as rows
from gputune.report.page import render
from gputune.schema.doctor import DoctorReport


def render_doctor_page(report: DoctorReport, *, json_name: str = "doctor.json") -> str:
    """Return a complete HTML page of a doctor's report.

    The page holds its JSON too: in the element `#gputune-doctor`, and behind a link that saves it
    as `json_name`.
    """
    return render("doctor.html.j2", report, json_name=json_name, report=report, rows=rows)
