"""The CheckReport of a run, from the session's events and what was read of the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gputune.analysis.calls import site as site_of
from gputune.analysis.retracing import retracings
from gputune.analysis.run import Run, read_run
from gputune.api.recording import command_record, environment_record, sha256_of
from gputune.checks.registry import entry
from gputune.checks.script.shapes.seen import retraced
from gputune.checks.source.runner import Looked
from gputune.launch.child import Ended
from gputune.launch.command import Target
from gputune.schema.check import CheckReport, CheckRun, CheckState, LayerRow
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Command
from gputune.schema.secrets import redact
from gputune.schema.training import CallbackCost
from gputune.session import events as names_of
from gputune.session.folder import Options

_ORDER = (Severity.PROBLEM, Severity.WARNING, Severity.NOTE, Severity.GOOD)
ENDED = "script-ended"


@dataclass(frozen=True)
class CheckRan:
    """The script's process under the checks."""

    options: Options
    events: tuple[Mapping[str, Any], ...]
    ended: Ended
    started: datetime


def check_report(
    target: Target, source: Path | None, names: Sequence[str], looked: Sequence[Looked],
    ran: CheckRan | None,
) -> CheckReport:  # fmt: skip
    """The report of the checks `names`; `ran` is None where no check needed the script to run."""
    events = [dict(event) for event in ran.events] if ran is not None else []
    run = read_run(events)
    found = _found(looked, events, names)
    if "shapes" in names:
        found.setdefault("shapes", []).extend(_retraced(run, events))
    ends = _ending(run, ran, found)
    if ends is not None:
        found.setdefault("runs", []).append(ends)
    found = _once(found)
    checks = tuple(_state(name, found.get(name, ()), looked, events) for name in names)
    findings = _sorted(finding for name in names for finding in found.get(name, ()))
    seen: dict[str, Any] = next((e for e in reversed(events) if e["event"] == names_of.CHECKED), {})
    command = _command(target, source, run, ran)
    return CheckReport(
        command=command,
        script=target.script or f"-m {target.module}",
        environment=environment_record(run, ran.options if ran is not None else Options()),
        verdict=verdict(findings, checks, interrupted=command.interrupted),
        checks=checks,
        findings=findings,
        style=_style(run, seen),
        steps=int(seen.get("steps") or 0),
        epochs=int(seen.get("epochs") or 0),
        cut_short=bool(seen.get("cut_short")),
        layers=tuple(_layer(row) for row in _rows(events, names_of.LAYERS)),
        callbacks=tuple(CallbackCost(**row) for row in _rows(events, names_of.CALLBACK_COSTS)),
        files_opened_for_writing=tuple(path for path in run.opened if Path(path).is_file()),
        notes=tuple(_notes(run)),
    )


def verdict(
    findings: Sequence[Finding], checks: Sequence[CheckRun], *, interrupted: bool = False
) -> str:
    """One sentence: how many problems and warnings, and the first of them."""
    counts = {level: sum(f.severity is level for f in findings) for level in _ORDER}
    not_run = sum(check.state == "not-run" for check in checks)
    said = [
        f"{counts[level]} {level.value}{'' if counts[level] == 1 else 's'}"
        for level in (Severity.PROBLEM, Severity.WARNING)
        if counts[level]
    ]
    ending = f"; {not_run} of {len(checks)} checks could not look" if not_run else ""
    if interrupted:
        ending += "; it was interrupted"
    first = f": {findings[0].title.rstrip('.')}" if said else ""
    return f"{' and '.join(said) or 'No problem was found'}{first}{ending}."


def _found(
    looked: Sequence[Looked], events: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[str, list[Finding]]:
    found = {one.name: list(one.findings) for one in looked}
    for event in events:
        if event["event"] == names_of.CHECK_FINDING and event.get("check") in names:
            found.setdefault(str(event["check"]), []).append(_finding(event["finding"]))
    return found


def _finding(body: Mapping[str, Any]) -> Finding:
    return Finding(
        id=str(body["id"]),
        severity=Severity(body["severity"]),
        title=redact(str(body["title"])),
        evidence=tuple(redact(str(sentence)) for sentence in body.get("evidence") or ()),
        remedy=str(body.get("remedy") or ""),
        snippet=redact(str(body.get("snippet") or "")),
        knobs=tuple(map(str, body.get("knobs") or ())),
        site=site_of(body.get("site")),
    )


def _retraced(run: Run, events: Sequence[Mapping[str, Any]]) -> Iterable[Finding]:
    """The functions that were traced again for other shapes, before the checks' last look."""
    looked = max((float(e["t"]) for e in events if e["event"] == names_of.CHECKED), default=0.0)
    ends = [row.t_end for fit in run.fits for row in fit.rows]
    for found in retracings([e for e in run.traced if float(e["t"]) <= looked], ends):
        yield from retraced(found)


def _ending(
    run: Run, ran: CheckRan | None, found: Mapping[str, Sequence[Finding]]
) -> Finding | None:
    """`script-ended`, where the script ended by itself, badly, and no check has said why."""
    if ran is None or "runs" not in ran.options.checks or run.stopped or ran.ended.interrupted:
        return None
    code, number = ran.ended.exit_code, ran.ended.signal
    if code == 0 or any(found.get(name) for name in ran.options.checks):
        return None
    how = f"signal {number} ended it" if number is not None else f"its exit code is {code}"
    return Finding(
        id=ENDED,
        severity=Severity.PROBLEM,
        title="The script ended before its training was under way.",
        evidence=(how,),
        remedy="Run it alone, with the same arguments, and repair what it says: the checks that "
        "need a training were not run."
        if number is None
        else "Run it alone: a crash of a library or the end of the memory ends a process so.",
    )


def _once(found: Mapping[str, Sequence[Finding]]) -> dict[str, list[Finding]]:
    """Without what the source showed and the running script has shown too: that one knows more."""
    shown = {
        _key(finding)
        for name, findings in found.items()
        if entry(name).half == "script"
        for finding in findings
        if finding.site is not None
    }
    return {
        name: [f for f in findings if entry(name).half == "script" or _key(f) not in shown]
        for name, findings in found.items()
    }


def _key(finding: Finding) -> tuple[str, str, int]:
    site = finding.site
    return (finding.id, site.file if site else "", site.line if site else 0)


def _state(
    name: str, findings: Sequence[Finding], looked: Sequence[Looked],
    events: Iterable[Mapping[str, Any]],
) -> CheckRun:  # fmt: skip
    ids = tuple(dict.fromkeys(finding.id for finding in _sorted(findings)))
    if entry(name).half == "source":
        reason = next((one.reason for one in looked if one.name == name), "")
        said: CheckState = "not-run" if reason else "clear"
    else:
        event = _last(events, name)
        said = "clear" if event.get("state") == "clear" else "not-run"
        reason = "" if any(f.id == ENDED for f in findings) else str(event.get("reason") or "")
        if not event:
            reason = "the script ended before gputune's hooks could say anything"
    return CheckRun(name=name, state="found" if ids else said, reason=reason, findings=ids)


def _last(events: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    last: Mapping[str, Any] = {}
    for event in events:
        if event["event"] == names_of.CHECK_STATE and event.get("check") == name:
            last = event
    return last


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first; of the same severity in the order in which they were found."""
    return tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity)))


def _rows(events: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The rows of the last event of a kind."""
    found = [event for event in events if event["event"] == kind]
    return list(found[-1].get("rows") or ()) if found else []


def _layer(row: Mapping[str, Any]) -> LayerRow:
    shapes = tuple(tuple(shape) for shape in row.get("output_shapes") or ())
    return LayerRow(**{**row, "output_shapes": shapes})


def _style(run: Run, seen: Mapping[str, Any]) -> str | None:
    """How the checked training is written; the hooks on loops know it best."""
    known = next((fit.style for fit in run.fits if fit.number == seen.get("fit")), None)
    return known or seen.get("style")


def _command(target: Target, source: Path | None, run: Run, ran: CheckRan | None) -> Command:
    if ran is not None:
        command = command_record(target, source, ran.options, run, ran.ended, ran.started)
        return replace(command, mode="check")
    started = datetime.now(UTC)
    word = ("-m", str(target.module)) if target.module is not None else (str(target.script),)
    return Command(
        argv=("python", *word), mode="check", working_directory=str(Path.cwd()),
        started_utc=started.isoformat(timespec="seconds"), duration_s=0.0, exit_code=0,
        stopped_by_gputune=False, script_sha256=sha256_of(source),
    )  # fmt: skip


def _notes(run: Run) -> Iterable[str]:
    for style in run.styles:
        yield str(style.get("note") or style.get("style"))
    for hook in run.disabled:
        yield f"the hook {hook.get('hook')} failed and was switched off: {hook.get('error')}"
