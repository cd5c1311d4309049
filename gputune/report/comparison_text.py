"""A Comparison as Markdown, for a pull request, and as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO

from gputune.report import comparison_rows as rows
from gputune.report.markdown import escaped
from gputune.schema.comparison import Comparison

_COLUMNS = (
    "side", "name", "unit", "before", "after", "difference", "ratio", "ci95_low", "ci95_high",
    "verdict", "reason", "before_processes", "after_processes", "smallest_detectable_ratio",
)  # fmt: skip


def render_markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown, as GitHub shows it."""
    lines = [f"**{escaped(comparison.verdict)}**", ""]
    for side in range(1, len(comparison.sides)):
        lines += [f"- {escaped(rows.side_text(comparison, index))}" for index in (0, side)]
        lines.append("")
        for heading, found in rows.differences(comparison, side):
            lines += [f"{heading}:", ""]
            lines += [
                f"- {escaped(r.name)}: {escaped(r.before)} → {escaped(r.after)}" for r in found
            ]
            lines.append("")
        lines.append("| " + " | ".join(rows.HEADINGS) + " |")
        lines.append("| --- |" + " ---: |" * (len(rows.HEADINGS) - 2) + " --- |")
        for row in rows.of_side(comparison, side):
            lines.append("| " + " | ".join(map(escaped, rows.cells(row))) + " |")
        lines.append("")
        lines += [f"- {escaped(n)}: {escaped(why)}" for n, why in rows.reasons(comparison, side)]
    lines += [f"- note: {escaped(note)}" for note in comparison.notes]
    return "\n".join(lines).rstrip("\n") + "\n"


def render_csv(comparison: Comparison) -> str:
    """Return the figures as CSV: exact numbers, empty where there is none."""
    paper = StringIO()
    writer = csv.writer(paper, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in comparison.metrics:
        low, high = row.ci95 if row.ci95 is not None else (None, None)
        values = {"ci95_low": low, "ci95_high": high}
        writer.writerow([values.get(name, getattr(row, name, None)) for name in _COLUMNS])
    return paper.getvalue()
