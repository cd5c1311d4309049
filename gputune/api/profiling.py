"""`profile`: run a script, watch it, and say what its steps cost."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gputune
from gputune.analysis.calls import chain_to_source
from gputune.analysis.profile import batch_size, profile_record
from gputune.analysis.run import FitRun, Run, choose_fit, read_run
from gputune.analysis.steps import clean_rows, clean_windows
from gputune.analysis.trace_facts import TraceFacts
from gputune.api.configuring import check_supported, outcome
from gputune.api.outputs import Outputs, Written
from gputune.api.tracing import trace_facts
from gputune.api.watching import Watching
from gputune.knobs.registry import environment_of, first_config, in_environment, with_knobs
from gputune.launch.child import Ended, launch
from gputune.launch.cleanup import remove_leftovers
from gputune.launch.command import Target, check_target
from gputune.launch.dry import dry_environment
from gputune.rules.engine import find, verdict
from gputune.schema.config import Config
from gputune.schema.profile import Command, Environment, Profile
from gputune.schema.secrets import allowed_environment, redact_arguments
from gputune.sensors.averages import average_host
from gputune.sensors.gpu_averages import Trained
from gputune.sensors.resources import usable_cores, usable_memory_bytes
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import read_events


@dataclass(frozen=True)
class Result:
    """What `profile` gives: the record, the first configuration, the files, the exit code.

    `config` is None where no training was measured.
    """

    profile: Profile
    config: Config | None
    written: Written

    @property
    def exit_code(self) -> int:
        """The script's own, 0 where gputune ended it as planned, 130 after Ctrl-C."""
        return self.profile.command.exit_code


def profile(
    target: Target | str | os.PathLike[str],
    arguments: tuple[str, ...] = (),
    *,
    options: Options | None = None,
    outputs: Outputs | None = None,
    config: Config | None = None,
    on_phase: Callable[[str], None] = lambda _: None,
) -> Result:
    """Run a script under measurement and write its report.

    `target` is a script's path (with `arguments`) or a Target. `on_phase` is called with `start`
    once nothing stands in the way, and with the name of each phase as it begins. With `config` the
    script is measured under its settings. Raises BadTarget for a script that cannot be started,
    BadConfig for a setting that this machine cannot have, OutputFailed where the report cannot be
    written (before the run, if that can be known then).
    """
    if not isinstance(target, Target):
        target = Target(script=os.fspath(target), arguments=tuple(arguments))
    options = options or Options()
    if config is not None:
        options = replace(options, settings=config.settings)
    outputs = outputs or Outputs()
    source = check_target(target)
    check_supported(options.settings)
    outputs.prepare()
    on_phase("start")
    session = SessionFolder(Path(tempfile.mkdtemp(prefix="gputune-")))
    try:
        session.create(options)
        started = datetime.now(UTC)
        watching = Watching(session, on_phase)
        try:
            ended = launch(
                target,
                session,
                extra_environment={
                    **({} if options.full else dry_environment(session.scratch)),
                    **environment_of(options.settings),
                },
                on_tick=watching.tick,
                script_stdout_to_stderr=outputs.to_stdout,
            )
        finally:
            watching.stop()
        record = _record(target, source, session, options, watching, ended, started)
    finally:
        shutil.rmtree(session.root, ignore_errors=True)
    first = first_config(record) if record.steps is not None else None
    return Result(record, first, outputs.write(record, first, target.name))


def _record(
    target: Target, source: Path | None, session: SessionFolder, options: Options,
    watching: Watching, ended: Ended, started: datetime,
) -> Profile:  # fmt: skip
    """The Profile of a run that has ended, with its findings."""
    events = list(read_events(session.events))
    run = read_run(events)
    if run.end is None or ended.interrupted or run.stopped:
        remove_leftovers(events)
    fit = choose_fit(run.fits, options.fit)
    windows = clean_windows(fit, full=options.full) if fit is not None else []
    gpus = watching.gpus(windows, _trained(run, fit, full=options.full))
    reasons = watching.host_reasons() | gpus.reasons
    if ended.tick_error is not None:
        reasons.setdefault("host", f"watching the script failed: {ended.tick_error}")
    if options.fit is not None and fit is None:
        reasons["steps"] = f"--fit {options.fit}: the script called fit {len(run.fits)} times"
    elif fit is None:
        reasons["steps"] = "no training was seen"
    run.opened = [path for path in run.opened if Path(path).is_file()]
    record = profile_record(
        run,
        fit,
        command=_command(target, source, options, run, ended, started),
        script=target.script or f"-m {target.module}",
        environment=_environment(run, options),
        trace=trace_facts(fit) if fit is not None else TraceFacts(),
        gpus=gpus.gpus,
        host=average_host(watching.host_samples, windows),
        reasons=reasons,
        memory=[(s.t, s.rss_bytes) for s in watching.host_samples if s.rss_bytes is not None],
    )
    notes = record.notes + watching.notes + outcome(options.settings, events)
    process = in_environment({**os.environ, **environment_of(options.settings)})
    record = replace(record, notes=notes, config=record.config + process if fit else ())
    findings = tuple(with_knobs(finding) for finding in find(record))
    return replace(record, findings=findings, verdict=verdict(record, findings))


def _trained(run: Run, fit: FitRun | None, *, full: bool) -> Trained:
    """What was trained in the clean windows."""
    if fit is None:
        return Trained()
    chain = chain_to_source(run.calls, fit.begin.get("dataset"))[::-1]
    rows = zip(fit.rows, clean_rows(fit, full=full), strict=True)
    return Trained(
        steps=sum(row.steps for row, use in rows if use), batch_size=batch_size(fit, chain)
    )


def _command(
    target: Target, source: Path | None, options: Options, run: Run, ended: Ended,
    started: datetime,
) -> Command:  # fmt: skip
    module = ("-m", str(target.module)) if target.module is not None else (str(target.script),)
    return Command(
        argv=("python", *module, *redact_arguments(list(target.arguments))),
        mode="full" if options.full else "default",
        working_directory=str(Path.cwd()),
        started_utc=started.isoformat(timespec="seconds"),
        duration_s=ended.duration_s,
        exit_code=130 if ended.interrupted else ended.exit_code,
        stopped_by_gputune=run.stopped,
        interrupted=ended.interrupted,
        script_sha256=_sha256(source),
    )


def _sha256(source: Path | None) -> str | None:
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest() if source is not None else None
    except OSError:
        return None


def _environment(run: Run, options: Options) -> Environment:
    seen: dict[str, Any] = run.environment
    variables = {**os.environ, **environment_of(options.settings)}
    return Environment(
        gputune=gputune.__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        host=socket.gethostname(),
        cpu_model=_cpu_model(),
        cores=usable_cores(),
        memory_bytes=usable_memory_bytes(),
        tensorflow=seen.get("tensorflow"),
        keras=seen.get("keras"),
        backend=seen.get("backend"),
        cuda=seen.get("cuda"),
        devices=tuple(seen.get("devices") or ()),
        variables=tuple(sorted(allowed_environment(variables).items())),
    )


def _cpu_model() -> str | None:
    if not sys.platform.startswith("linux"):
        return platform.processor() or None
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), None)
