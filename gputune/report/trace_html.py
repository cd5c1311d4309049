"""A Trace report as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from typing import Final

from gputune.report import figures, trace_rows
from gputune.report.drawing.timeline import Curve, Graph, Timeline, timelines
from gputune.report.page import render
from gputune.schema.trace import TraceDevice, TraceReport

_MOST_STEPS: Final = 200
"""Steps in the table; the JSON in the page has them all."""
_MOST_POINTS: Final = 400


def render_trace_html(report: TraceReport, *, json_name: str = "trace.json") -> str:
    """Return a complete HTML page of a trace.

    The page holds the report's JSON too: in the element `#gputune-trace`, and behind a link that
    saves it as `json_name`.
    """
    return render(
        "trace.html.j2",
        report,
        json_name=json_name,
        report=report,
        rows=trace_rows,
        drawn={device.index: _steps(device) for device in report.devices},
        most_steps=_MOST_STEPS,
    )


def _steps(device: TraceDevice) -> tuple[Timeline, ...]:
    """The steps' durations over time, where there are enough of them to draw.

    Of more than 400 the longest of each stretch.
    """
    points = [(step.start_s, step.duration_s) for step in device.steps]
    size = max(1, -(-len(points) // _MOST_POINTS))
    bins = [points[i : i + size] for i in range(0, len(points), size)]
    longest = [max(group, key=lambda point: point[1]) for group in bins]
    curve = Curve(label="step", points=longest)
    return timelines([Graph(title="duration of a step", curves=[curve], text=figures.seconds)])
