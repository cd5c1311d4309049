"""Findings on the terminal: of a profile, and of a check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.table import Table

from gputune.report.ink import Ink
from gputune.schema.finding import Finding, Severity

LABELS: Final = 8
"""Columns of the labels on the left."""
_SEVERITY_STYLE: Final = {
    Severity.PROBLEM: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
    Severity.GOOD: "bold green",
}


def labelled() -> Table:
    """A grid of labels on the left and what they name, wrapped, on the right."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="bold", width=LABELS)
    grid.add_column(overflow="fold")
    return grid


def findings_table(findings: Sequence[Finding], ink: Ink) -> Table:
    """Each finding with its severity, its line, its evidence and its remedy."""
    grid = labelled()
    for finding in findings:
        style = _SEVERITY_STYLE[finding.severity]
        tag = ink.text((finding.severity.value.capitalize(), style))
        grid.add_row(tag, _finding(finding, ink))
    return grid


def _finding(finding: Finding, ink: Ink) -> RenderableType:
    body = Table.grid()
    body.add_column(overflow="fold")
    body.add_row(_title(finding, ink))
    for sentence in finding.evidence:
        body.add_row(ink.text(sentence))
    if finding.remedy:
        body.add_row(ink.text(("Do: ", "green"), finding.remedy))
    for line in finding.snippet.splitlines():
        body.add_row(ink.text((f"    {line}", "dim")))
    return body


def _title(finding: Finding, ink: Ink) -> RenderableType:
    """The title, the line it is about, and that line's code where there is room for it."""
    title: tuple[str, str] = (finding.title, "bold")
    if finding.site is None:
        return ink.text(title)
    short = ink.text(title, (f"  {finding.site.label()}", "cyan"))
    full = ink.text(title, (f"  {finding.site.label()}", "cyan"), f"  {finding.site.code}")
    return full if full.cell_len <= ink.width - LABELS - 1 else short
