"""A record as a piece of HTML for a notebook's cell: the answer and its figures, no whole page.

It brings no style of its own but what stands in the elements, so that it takes the notebook's
colours and changes nothing beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gputune.report import comparison_rows, doctor_rows, figures, rows, study_rows, trace_rows
from gputune.report.page import environment
from gputune.schema.check import CheckReport
from gputune.schema.comparison import Comparison
from gputune.schema.config import Config
from gputune.schema.doctor import DoctorReport
from gputune.schema.finding import Severity
from gputune.schema.profile import Profile
from gputune.schema.study import Study
from gputune.schema.trace import TraceReport


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a cell shows: a line of what it is, the answer, a table, and sentences below."""

    what: str
    answer: str
    headings: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()
    sentences: Sequence[str] = field(default=())


def render_notebook(record: Any) -> str:
    """Return the HTML of any of gputune's records, or of a Config."""
    shown = _cell(record)
    return environment().get_template("notebook.html.j2").render(cell=shown)


def _cell(record: Any) -> Cell:
    if isinstance(record, Study):
        return _study(record)
    if isinstance(record, Comparison):
        return _comparison(record)
    if isinstance(record, TraceReport):
        return _trace(record)
    if isinstance(record, Config):
        return _config(record)
    if isinstance(record, CheckReport):
        return _check(record)
    if isinstance(record, DoctorReport):
        return _doctor(record)
    assert isinstance(record, Profile)
    return _profile(record)


def _profile(record: Profile) -> Cell:
    parts = [
        (part.label, figures.seconds(part.seconds), figures.share(part.fraction))
        for part in rows.parts(record)
        if part.seconds is not None
    ]
    steps = record.steps
    if steps is not None:
        rate = figures.rate(steps.samples_per_s, "samples")
        parts.append(("the step", figures.seconds(steps.mean_s), rate))
    grave = (Severity.PROBLEM, Severity.WARNING)
    return Cell(
        what=f"gputune profile of {record.script}",
        answer=record.verdict,
        headings=("where a step goes", "time", "share") if parts else (),
        table=parts,
        sentences=[
            f"{finding.severity.value}: {finding.title}"
            for finding in record.findings
            if finding.severity in grave
        ],
    )


def _study(record: Study) -> Cell:
    named = [("as it is", record.baseline), *study_rows.recommended(record)]
    return Cell(
        what=f"gputune study of {record.script}",
        answer=record.verdict,
        headings=("configuration", "samples/s", "what changes"),
        table=[
            (
                study_rows.spoken(name),
                figures.number(one.samples_per_s),
                study_rows.changes_text(one.knobs, record.baseline.knobs),
            )
            for name, one in named
        ],
        sentences=[
            f"{study_rows.spoken(one.candidate)}: {study_rows.confirmation_text(one)}"
            for one in record.confirmation
        ],
    )


def _comparison(record: Comparison) -> Cell:
    return Cell(
        what=f"gputune comparison of {record.sides[0].script}" if record.sides else "gputune",
        answer=record.verdict,
        headings=comparison_rows.HEADINGS,
        table=[comparison_rows.cells(row) for row in record.metrics],
        sentences=record.notes,
    )


def _trace(record: TraceReport) -> Cell:
    devices = [device for device in record.devices if trace_rows.did_something(device)]
    return Cell(
        what=f"gputune trace of {record.file}",
        answer=record.verdict,
        headings=("GPU", "part", "time", "share") if devices else (),
        table=[
            (str(device.index), part.label, figures.seconds(part.seconds),
             figures.share(part.fraction))
            for device in devices
            for part in trace_rows.parts(device)
        ],
        sentences=[trace_rows.host_text(record.host)],
    )  # fmt: skip


def _check(record: CheckReport) -> Cell:
    return Cell(
        what=f"gputune check of {record.script}",
        answer=record.verdict,
        headings=("severity", "finding", "what to do") if record.findings else (),
        table=[(one.severity.value, one.title, one.remedy) for one in record.findings],
        sentences=[
            f"not run: {one.name}: {one.reason}" for one in record.checks if one.state == "not-run"
        ],
    )


def _doctor(record: DoctorReport) -> Cell:
    return Cell(
        what=f"gputune doctor of {record.environment.host}",
        answer=record.verdict,
        headings=("part", "", "finding", "what to do"),
        table=[
            (section.name, doctor_rows.word(one), one.title, one.remedy)
            for section in record.sections
            for one in section.findings
        ],
    )


def _config(record: Config) -> Cell:
    sure = "measured" if record.measured else "proposed, not measured"
    return Cell(
        what=f"gputune settings for {record.script}",
        answer=f"{len(record.settings)} settings, {sure}.",
        headings=("knob", "was", "is", "at") if record.settings else (),
        table=[
            (
                one.knob,
                study_rows.value_text(one.was),
                study_rows.value_text(one.value),
                one.site.label() if one.site else "",
            )
            for one in record.settings
        ],
        sentences=record.evidence,
    )
