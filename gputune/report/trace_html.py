"""A Trace report as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from gputune.report import figures, trace_rows
from gputune.report.chart import HEIGHT, WIDTH, Chart, chart
from gputune.report.html import environment, json_address, json_in_script
from gputune.schema.profile import Series
from gputune.schema.trace import TraceDevice, TraceReport

_MOST_STEPS: Final = 200
"""Steps in the table; the JSON in the page has them all."""


def render_trace_html(report: TraceReport, *, json_name: str = "trace.json") -> str:
    """Return a complete HTML page of a trace.

    The page holds the report's JSON too: in the element `#gputune-trace`, and behind a link that
    saves it as `json_name`.
    """
    template = environment().get_template("trace.html.j2")
    return template.render(
        report=report,
        rows=trace_rows,
        figures=figures,
        drawn={device.index: _steps_chart(device) for device in report.devices},
        chart_size=(WIDTH, HEIGHT),
        most_steps=_MOST_STEPS,
        json_name=json_name,
        json_text=Markup(json_in_script(report)),
        json_address=json_address(report),
    )


def _steps_chart(device: TraceDevice) -> Chart | None:
    """The steps' durations over time, where there are enough of them to draw."""
    return chart(
        Series(
            name="duration_s",
            t_s=tuple(step.start_s for step in device.steps),
            value=tuple(step.duration_s for step in device.steps),
        )
    )
