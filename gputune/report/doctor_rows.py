"""A Doctor report as rows of text: the same words on the terminal and on the page."""

from __future__ import annotations

from typing import Final

from gputune.report import figures
from gputune.schema.doctor import DoctorReport
from gputune.schema.finding import Finding, Severity

WORDS: Final = {
    Severity.GOOD: "ok",
    Severity.NOTE: "note",
    Severity.WARNING: "warning",
    Severity.PROBLEM: "problem",
}


def word(finding: Finding) -> str:
    """How a line is marked: `ok`, `note`, `warning`, `problem`."""
    return WORDS[finding.severity]


def machine_text(report: DoctorReport) -> str:
    """The machine in one line: host, system, Python, and how long it was looked at."""
    where = report.environment
    return (
        f"{where.host}, {where.platform}, Python {where.python}; "
        f"looked at for {figures.seconds(report.duration_s)}"
    )


def counts(report: DoctorReport) -> str:
    """`2 problems, 1 warning, 11 ok`, without what there is none of."""
    words = {
        Severity.PROBLEM: ("problem", "problems"),
        Severity.WARNING: ("warning", "warnings"),
        Severity.NOTE: ("note", "notes"),
        Severity.GOOD: ("ok", "ok"),
    }
    found = [
        f"{number} {one if number == 1 else more}"
        for severity, (one, more) in words.items()
        if (number := len(report.of(severity)))
    ]
    return ", ".join(found)
