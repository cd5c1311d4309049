"""Many reports as one list, newest first: what each says in a line. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gputune.report import figures
from gputune.report.rows import finite
from gputune.schema.check import CheckReport
from gputune.schema.comparison import Comparison
from gputune.schema.doctor import DoctorReport
from gputune.schema.profile import Profile
from gputune.schema.study import Study
from gputune.schema.trace import TraceReport

Known = Profile | Study | TraceReport | Comparison | CheckReport | DoctorReport


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A report: its file as it is shown, when it was made, and its page's address, if any."""

    file: str
    record: Known
    written: datetime
    """When the file was last written; the record's own time is preferred where it has one."""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the list. `when` sorts as text; `rate` is empty where there is none."""

    file: str
    link: str
    when: str
    kind: str
    script: str
    verdict: str
    rate: str
    samples_per_s: float | None


def entries(found: Iterable[Listed]) -> list[Entry]:
    """The list, newest first; of equal times by file."""
    ordered = sorted(found, key=lambda one: one.file)
    ordered.sort(key=lambda one: when(one.record, one.written), reverse=True)
    return [_entry(one) for one in ordered]


def when(record: Known, written: datetime) -> datetime:
    """When a run began, or where the record does not say it, when its file was written."""
    try:
        started = _started(record)
        if started is not None:
            began = datetime.fromisoformat(started)
            return began if began.tzinfo is not None else began.replace(tzinfo=UTC)
        if isinstance(record, TraceReport) and record.started_unix_s is not None:
            return datetime.fromtimestamp(record.started_unix_s, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return written


def _started(record: Known) -> str | None:
    if isinstance(record, (Profile, CheckReport)):
        return record.command.started_utc
    return record.started_utc if isinstance(record, DoctorReport) else None


def _entry(one: Listed) -> Entry:
    record = one.record
    rate = _rate(record)
    return Entry(
        file=one.file,
        link=one.link,
        when=f"{when(record, one.written).astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        kind=record.SCHEMA.removeprefix("gputune."),
        script=_script(record),
        verdict=record.verdict,
        rate="" if rate is None else figures.rate(rate, "samples"),
        samples_per_s=rate,
    )


def _script(record: Known) -> str:
    if isinstance(record, TraceReport):
        return record.file
    if isinstance(record, DoctorReport):
        return ""
    if isinstance(record, Comparison):
        return " | ".join(dict.fromkeys(side.script for side in record.sides))
    return record.script


def _rate(record: Known) -> float | None:
    """The samples/s that a report is about: as profiled, or of the best that was confirmed."""
    if isinstance(record, Profile):
        return finite(record.steps.samples_per_s) if record.steps is not None else None
    if isinstance(record, Study):
        best = record.best or record.best_same_batch or record.baseline
        return finite(best.samples_per_s)
    return None
