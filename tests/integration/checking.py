"""Runs scripts under `gputune check`, in real processes, and reads the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gputune import api
from gputune.schema.check import CheckReport, CheckRun
from gputune.schema.finding import Finding
from tests.integration.running import Ran, gputune


def checked(
    script: Path | str,
    *arguments: str,
    cwd: Path,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> tuple[CheckReport, Ran]:
    """`gputune check OPTIONS SCRIPT ARGUMENTS` in the folder; `script` may be the source itself."""
    cwd.mkdir(parents=True, exist_ok=True)
    if isinstance(script, str):
        (cwd / "train.py").write_text(script, encoding="utf-8")
        script = Path("train.py")
    report = cwd / "check.json"
    # A machine that is busy shall not end the training before its steps are made.
    given = ("--json", report, "--force", "--max-seconds", "600", *options)
    ran = gputune("check", *given, script, *arguments, cwd=cwd, env=env)
    assert report.is_file(), ran.stderr
    record = api.load(report)
    assert isinstance(record, CheckReport)
    return record, ran


def found(report: CheckReport, identity: str) -> list[Finding]:
    """The findings of that id."""
    return [finding for finding in report.findings if finding.id == identity]


def run_of(report: CheckReport, name: str) -> CheckRun:
    """What became of the check of that name."""
    return next(check for check in report.checks if check.name == name)
