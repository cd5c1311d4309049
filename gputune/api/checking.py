"""`check`: run a script through its first training steps, and say what is wrong with it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gputune.api.check_outputs import CheckOutputs, CheckWritten
from gputune.api.check_record import CheckRan, check_report
from gputune.checks.registry import CHECKS, entry
from gputune.checks.selection import choose
from gputune.checks.source.runner import look
from gputune.launch.child import launch
from gputune.launch.cleanup import remove_leftovers
from gputune.launch.command import Target, check_target
from gputune.launch.dry import dry_environment
from gputune.schema.check import CheckReport
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import read_events

LONGEST_TRAINING_S = 60.0
"""The training under the checks ends after so many seconds, whatever its steps take."""


@dataclass(frozen=True)
class Checked:
    """What `check` gives: the record, the files, and the exit code."""

    report: CheckReport
    written: CheckWritten

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 1 where a problem was found, else 0."""
        if self.report.command.interrupted:
            return 130
        return 1 if self.report.has_problem else 0


def list_checks() -> tuple[tuple[str, str], ...]:
    """The names of all checks, each with its sentence."""
    return tuple((one.name, one.summary) for one in CHECKS)


def check(
    target: Target | str | os.PathLike[str],
    arguments: tuple[str, ...] = (),
    *,
    only: tuple[str, ...] = (),
    skip: tuple[str, ...] = (),
    fit: int | None = None,
    max_s: float = LONGEST_TRAINING_S,
    outputs: CheckOutputs | None = None,
    on_start: Callable[[], None] = lambda: None,
    break_hook: str | None = None,
) -> Checked:
    """Run a script under the checks until its first training steps, and write the report.

    `target` is a script's path (with `arguments`) or a Target. `only` and `skip` choose checks by
    name, `fit` the training to look at (1 is the script's first). Raises UnknownCheck for a name
    that no check has, BadTarget for a script that cannot be started, OutputFailed where the report
    cannot be written (before the run, if that can be known then).
    """
    if not isinstance(target, Target):
        target = Target(script=os.fspath(target), arguments=tuple(arguments))
    names = choose(only, skip)
    outputs = outputs or CheckOutputs()
    source = check_target(target)
    outputs.prepare()
    on_start()
    of_script = tuple(name for name in names if entry(name).half == "script")
    looked = look(tuple(name for name in names if name not in of_script), source)
    options = Options(checks=of_script, fit=fit, max_s=max_s, break_hook=break_hook)
    ran = _run(target, options, outputs) if of_script else None
    report = check_report(target, source, names, looked, ran)
    return Checked(report, outputs.write(report, target.name))


def _run(target: Target, options: Options, outputs: CheckOutputs) -> CheckRan:
    """The script's own process, in dry mode; what it left half written is removed."""
    session = SessionFolder(Path(tempfile.mkdtemp(prefix="gputune-")))
    try:
        session.create(options)
        started = datetime.now(UTC)
        ended = launch(
            target,
            session,
            extra_environment=dry_environment(session.scratch),
            on_tick=lambda: None,
            script_stdout_to_stderr=outputs.to_stdout,
        )
        events = tuple(read_events(session.events))
        remove_leftovers(events)
        return CheckRan(options=options, events=events, ended=ended, started=started)
    finally:
        shutil.rmtree(session.root, ignore_errors=True)
