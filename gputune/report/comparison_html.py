"""A Comparison as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from gputune.report import comparison_rows as rows
from gputune.report.drawing.intervals import Interval, intervals
from gputune.report.meters import Meter, meters
from gputune.report.page import render
from gputune.schema.comparison import Comparison, MetricCompared

_SPEED = "samples_per_s"


def render_comparison_page(comparison: Comparison, *, json_name: str = "comparison.json") -> str:
    """Return a complete HTML page of a comparison.

    The page holds its JSON too: in the element `#gputune-comparison`, and behind a link that
    saves it as `json_name`.
    """
    sides = range(1, len(comparison.sides))
    return render(
        "comparison.html.j2",
        comparison,
        json_name=json_name,
        comparison=comparison,
        rows=rows,
        sides=sides,
        tables={side: _drawn(rows.of_side(comparison, side)) for side in sides},
        speeds=_speeds(comparison),
    )


def _drawn(found: tuple[MetricCompared, ...]) -> list[tuple[MetricCompared, Interval | None]]:
    drawn = intervals([(row.ratio, row.ci95) for row in found])
    return list(zip(found, drawn, strict=True))


def _speeds(comparison: Comparison) -> list[Meter]:
    """The throughput of each side as a bar; none where it is not among the figures."""
    named = (_SPEED, f"best.{_SPEED}")
    found = [row for row in comparison.metrics if row.name in named]
    if not found:
        return []
    name = found[0].name
    own = [row for row in found if row.name == name]
    values = [(comparison.sides[0].name, own[0].before, rows.value(own[0], own[0].before), "")]
    values += [
        (
            comparison.sides[row.side].name,
            row.after,
            rows.value(row, row.after),
            {"slower": "limit", "faster": "good"}.get(row.verdict, ""),
        )
        for row in own
    ]
    return meters(values)
