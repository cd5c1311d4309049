"""A CheckReport as TensorBoard's scalars and texts. Pure: bytes of an event file, no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from gputune.report import check_rows as rows
from gputune.report.event_file import Event, Scalar, Text, event_file
from gputune.report.markdown import escaped
from gputune.schema.check import CheckReport
from gputune.schema.finding import Finding, Severity

_TOP: Final = "gputune/check/"


def render_check_tensorboard(report: CheckReport) -> bytes:
    """Return the content of an event file: findings and layers as texts, their numbers as scalars.

    All of it stands at step 0, so that the runs of a log folder stand side by side.
    """
    events: list[Scalar | Text] = [*_scalars(report), *_texts(report)]
    return event_file([Event(0.0, 0, what) for what in events], check_began(report))


def check_began(report: CheckReport) -> float:
    """When the check began, in seconds since 1970; 0 where the report does not say it."""
    try:
        at = datetime.fromisoformat(report.command.started_utc)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _scalars(report: CheckReport) -> Iterator[Scalar]:
    for severity in (Severity.PROBLEM, Severity.WARNING, Severity.NOTE):
        count = sum(finding.severity is severity for finding in report.findings)
        yield Scalar(f"{_TOP}findings/{severity.value}", float(count))
    yield Scalar(f"{_TOP}steps", float(report.steps))
    not_run = sum(check.state == "not-run" for check in report.checks)
    yield Scalar(f"{_TOP}checks/not_run", float(not_run))
    known = [row.parameters for row in report.layers if row.depth == 0]
    parameters = [count for count in known if count is not None]
    if known and len(parameters) == len(known):
        yield Scalar(f"{_TOP}parameters", float(sum(parameters)))


def _texts(report: CheckReport) -> Iterator[Text]:
    verdict = f"**{escaped(report.verdict)}**\n\n{escaped(rows.run_text(report))}"
    yield Text(f"{_TOP}verdict", verdict)
    if report.findings:
        lines = [line for finding in report.findings for line in _finding(finding)]
        yield Text(f"{_TOP}findings", "\n".join(lines))
    checks = [(check.name, rows.check_text(check)) for check in report.checks]
    yield Text(f"{_TOP}checks", _table(("check", "what became of it"), checks))
    if report.layers:
        cells = [rows.layer_cells(row) for row in report.layers]
        yield Text(f"{_TOP}layers", _table(rows.HEADINGS, cells))


def _finding(finding: Finding) -> Iterator[str]:
    yield f"#### {finding.severity.value}: {escaped(finding.title)}"
    yield ""
    if finding.site is not None:
        yield f"- at {escaped(finding.site.label())}"
    yield from (f"- {escaped(sentence)}" for sentence in finding.evidence)
    if finding.remedy:
        yield f"- **Do:** {escaped(finding.remedy)}"
    yield ""


def _table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [_row(headings), "|" + " --- |" * len(headings)]
    lines += [_row([escaped(cell) for cell in row]) for row in cells]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
