"""The Profile of a run that has ended, from the session's folder and the sensors."""

from __future__ import annotations

import hashlib
import os
import platform
import socket
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import gputune
from gputune.analysis.calls import chain_to_source
from gputune.analysis.profile import batch_size, profile_record
from gputune.analysis.run import FitRun, Run, choose_fit, read_run
from gputune.analysis.steps import clean_rows, clean_windows
from gputune.analysis.trace_facts import TraceFacts
from gputune.api.batch_sizes import left_as_it_is
from gputune.api.configuring import outcome
from gputune.api.tracing import trace_facts
from gputune.api.watching import Watching
from gputune.knobs.registry import environment_of, in_environment, with_knobs
from gputune.launch.child import Ended
from gputune.launch.cleanup import remove_leftovers
from gputune.launch.command import Target
from gputune.rules.engine import find, verdict
from gputune.schema.profile import Command, Environment, Profile
from gputune.schema.secrets import allowed_environment, redact_arguments
from gputune.sensors.averages import average_host
from gputune.sensors.gpu_averages import Trained
from gputune.sensors.resources import cpu_model, usable_cores, usable_memory_bytes
from gputune.session.folder import Options, SessionFolder
from gputune.session.log import read_events


def record_of(
    target: Target, source: Path | None, session: SessionFolder, options: Options,
    watching: Watching, ended: Ended, started: datetime,
) -> Profile:  # fmt: skip
    """The Profile of a run that has ended, with its findings.

    What the run left half written, because it was ended, is removed.
    """
    events = list(read_events(session.events))
    run = read_run(events)
    if run.end is None or ended.interrupted or run.stopped:
        remove_leftovers(events)
    return record_of_events(target, source, events, options, watching, ended, started)


def record_of_events(
    target: Target, source: Path | None, events: Sequence[dict[str, Any]], options: Options,
    watching: Watching, ended: Ended, started: datetime,
) -> Profile:  # fmt: skip
    """The Profile of what these events tell, with its findings."""
    run = read_run(events)
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
        command=command_record(target, source, options, run, ended, started),
        script=target.script or f"-m {target.module}",
        environment=environment_record(run, options),
        trace=trace_facts(fit) if fit is not None else TraceFacts(),
        gpus=gpus.gpus,
        host=average_host(watching.host_samples, windows),
        reasons=reasons,
        memory=[(s.t, s.rss_bytes) for s in watching.host_samples if s.rss_bytes is not None],
        curves=watching.curves,
    )
    notes = record.notes + watching.notes + outcome(options.settings, events)
    notes += left_as_it_is(options.settings, source)
    # What the script itself has set of them counts, and is read once training begins.
    own = run.environment.get("variables") or {}
    process = in_environment({**os.environ, **environment_of(options.settings), **own})
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


def command_record(
    target: Target, source: Path | None, options: Options, run: Run, ended: Ended,
    started: datetime,
) -> Command:  # fmt: skip
    """What was run, and how it ended."""
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
        script_sha256=sha256_of(source),
    )


def sha256_of(source: Path | None) -> str | None:
    """What identifies a source file; None where there is none to read."""
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest() if source is not None else None
    except OSError:
        return None


def environment_record(run: Run, options: Options) -> Environment:
    """The machine and the versions, as this process and the script's saw them."""
    seen: dict[str, Any] = run.environment
    variables = {**os.environ, **environment_of(options.settings)}
    return Environment(
        gputune=gputune.__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        host=socket.gethostname(),
        cpu_model=cpu_model(),
        cores=usable_cores(),
        memory_bytes=usable_memory_bytes(),
        tensorflow=seen.get("tensorflow"),
        keras=seen.get("keras"),
        backend=seen.get("backend"),
        cuda=seen.get("cuda"),
        devices=tuple(seen.get("devices") or ()),
        variables=tuple(sorted(allowed_environment(variables).items())),
    )
