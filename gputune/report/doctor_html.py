"""A Doctor report as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from markupsafe import Markup

from gputune.report import doctor_rows as rows
from gputune.report.html import environment, json_address, json_in_script
from gputune.schema.doctor import DoctorReport


def render_doctor_page(report: DoctorReport, *, json_name: str = "doctor.json") -> str:
    """Return a complete HTML page of a doctor's report.

    The page holds its JSON too: in the element `#gputune-doctor`, and behind a link that saves it
    as `json_name`.
    """
    return (
        environment()
        .get_template("doctor.html.j2")
        .render(
            report=report,
            rows=rows,
            json_name=json_name,
            json_text=Markup(json_in_script(report)),
            json_address=json_address(report),
        )
    )
