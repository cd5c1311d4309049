"""The report of a check, from made-up events of the script's process."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gputune.api.check_outputs import CheckWritten
from gputune.api.check_record import CheckRan, check_report
from gputune.api.checking import Checked
from gputune.checks.advice import patience_too_long
from gputune.checks.registry import names
from gputune.checks.source.runner import Looked
from gputune.launch.child import Ended
from gputune.launch.command import Target
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site
from gputune.session.folder import Options

TARGET = Target(script="train.py")
SITE = Site(file="/home/me/train.py", line=3, code='token = "hf_abcdefghijklmnopqrstuvwxyz012345"')


def ended(exit_code: int = 0, signal: int | None = None, interrupted: bool = False) -> Ended:
    return Ended(
        exit_code=exit_code, signal=signal, interrupted=interrupted, forced=False, duration_s=1.0,
        cpu_s=1.0, max_rss_bytes=1, storage_read_bytes=0,
    )  # fmt: skip


def ran(*events: dict[str, Any], how: Ended | None = None) -> CheckRan:
    return CheckRan(
        options=Options(checks=names("script")), events=events, ended=how or ended(),
        started=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def state(check: str, state: str = "clear", reason: str = "") -> dict[str, Any]:
    return {"event": "check_state", "check": check, "state": state, "reason": reason}


def finding(check: str, one: Finding) -> dict[str, Any]:
    return {"event": "check_finding", "check": check, "finding": asdict(one)}


STOPPED = {"event": "end", "t": 1.0, "how": "stopped"}
ALL_CLEAR = tuple(state(name) for name in names("script"))


def test_states_and_findings_come_together() -> None:
    problem = Finding(id="bad", severity=Severity.PROBLEM, title="Bad.", site=SITE)
    note = Finding(id="known", severity=Severity.NOTE, title="Note.")
    report = check_report(
        TARGET, None, ("patience", "shapes", "callbacks", "runs"), (Looked("patience"),),
        ran(
            finding("shapes", note), finding("shapes", problem), state("shapes"),
            state("callbacks", "not-run", "it failed in finish: KeyError"), state("runs"),
            {
                "event": "checked", "t": 9.0, "style": "keras.fit", "steps": 40, "epochs": 2,
                "cut_short": True,
            },
            STOPPED,
        ),
    )  # fmt: skip
    assert [(c.name, c.state) for c in report.checks] == [
        ("patience", "clear"), ("shapes", "found"), ("callbacks", "not-run"), ("runs", "clear"),
    ]  # fmt: skip
    assert report.checks[1].findings == ("bad", "known")
    assert report.checks[2].reason == "it failed in finish: KeyError"
    assert [one.id for one in report.findings] == ["bad", "known"]
    assert report.findings[0].site is not None and "hf_abc" not in report.findings[0].site.code
    assert (report.steps, report.epochs, report.cut_short) == (40, 2, True)
    assert report.verdict == "1 problem: Bad; 1 of 4 checks could not look."
    assert report.command.mode == "check" and report.has_problem


def test_the_exit_code_is_one_for_a_problem_alone() -> None:
    def code(*events: dict[str, Any], how: Ended | None = None) -> int:
        report = check_report(TARGET, None, names(), (Looked("patience"),), ran(*events, how=how))
        return Checked(report, CheckWritten()).exit_code

    warning = Finding(id="w", severity=Severity.WARNING, title="W.")
    problem = Finding(id="p", severity=Severity.PROBLEM, title="P.")
    assert code(*ALL_CLEAR, STOPPED) == 0
    assert code(*ALL_CLEAR, finding("shapes", warning), STOPPED) == 0
    assert code(*ALL_CLEAR, finding("shapes", problem), STOPPED) == 1
    assert code(*ALL_CLEAR, finding("shapes", problem), how=ended(130, interrupted=True)) == 130


def test_a_mistake_that_both_halves_see_is_said_once() -> None:
    one = patience_too_long("EarlyStopping", 9, 3, SITE)
    report = check_report(
        TARGET, None, names(), (Looked("patience", (one,)),),
        ran(finding("callbacks", one), *ALL_CLEAR, STOPPED),
    )  # fmt: skip
    assert [f.id for f in report.findings] == ["patience-too-long"]
    assert {c.name: c.state for c in report.checks}["patience"] == "clear"
    alone = check_report(TARGET, None, ("patience",), (Looked("patience", (one,)),), None)
    assert [f.id for f in alone.findings] == ["patience-too-long"]


def test_a_script_that_ends_badly_by_itself_is_a_problem() -> None:
    none_ran = tuple(state(name, "not-run", "no training was seen") for name in names("script"))
    for how, words in ((ended(2), "exit code is 2"), (ended(139, signal=11), "signal 11")):
        report = check_report(TARGET, None, names(), (), ran(*none_ran, how=how))
        (one,) = report.findings
        assert one.id == "script-ended" and words in one.evidence[0]
    report = check_report(TARGET, None, names(), (), ran(*none_ran, how=ended(0)))
    assert report.findings == ()
    assert "could not look" in report.verdict
    explained = Finding(id="shape-mismatch", severity=Severity.PROBLEM, title="Shape.")
    report = check_report(
        TARGET, None, names(), (), ran(finding("shapes", explained), *none_ran, how=ended(1))
    )
    assert [f.id for f in report.findings] == ["shape-mismatch"]


def test_a_process_that_says_nothing_leaves_every_check_not_run() -> None:
    report = check_report(TARGET, Path("gone.py"), names(), (), ran(how=ended(137, signal=9)))
    by_half = {check.name: check for check in report.checks}
    assert by_half["shapes"].state == "not-run" and by_half["shapes"].reason
