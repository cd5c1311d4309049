"""A Doctor report on the terminal: the verdict, then each line with its cure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table

from gputune.report import doctor_rows as rows
from gputune.report.ink import Ink
from gputune.schema.doctor import DoctorReport, DoctorSection
from gputune.schema.finding import Finding, Severity

_NARROWEST: Final = 40
_LABELS: Final = 8
_STYLES: Final = {
    Severity.PROBLEM: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.NOTE: "bold cyan",
    Severity.GOOD: "green",
}


def render_doctor(report: DoctorReport, *, width: int, color: bool, ascii_only: bool) -> str:
    """Return the report for a terminal; the arguments are those of `render_profile`."""
    ink = Ink(width=max(width, _NARROWEST), color=color, ascii_only=ascii_only)
    return ink.draw(_blocks(report, ink))


def _blocks(report: DoctorReport, ink: Ink) -> Iterator[RenderableType]:
    yield ink.text((report.verdict, "bold"))
    yield ink.text((rows.machine_text(report), "dim"))
    for section in report.sections:
        yield ""
        yield ink.text((section.name, "bold"))
        yield _section(section, ink)
    if report.unavailable:
        yield ""
        for one in report.unavailable:
            yield ink.text(("not examined: ", "bold"), f"{one.metric}: {one.reason}")
    yield ""
    yield ink.text(rows.counts(report))


def _section(section: DoctorSection, ink: Ink) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_LABELS)
    grid.add_column(overflow="fold")
    for finding in section.findings:
        tag = ink.text((rows.word(finding), _STYLES[finding.severity]))
        grid.add_row(tag, _finding(finding, ink))
    return grid


def _finding(finding: Finding, ink: Ink) -> RenderableType:
    body = Table.grid()
    body.add_column(overflow="fold")
    loud = finding.severity in (Severity.PROBLEM, Severity.WARNING)
    body.add_row(ink.text((finding.title, "bold" if loud else "")))
    for sentence in finding.evidence:
        body.add_row(ink.text(sentence))
    if finding.remedy:
        body.add_row(ink.text(("Do: ", "green"), finding.remedy))
    return body
