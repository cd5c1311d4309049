"""A profile for the tools where users already are: Perfetto and TensorBoard."""

from __future__ import annotations

import gzip
import io
import os
from datetime import UTC, datetime
from pathlib import Path

from gputune.analysis.run import choose_fit, read_run
from gputune.api.files import create, prove_new
from gputune.api.outputs import OutputFailed, prove_writable
from gputune.api.tracing import trace_facts
from gputune.report.names import clean_name
from gputune.report.perfetto import render_perfetto
from gputune.report.tensorboard import began, render_tensorboard
from gputune.schema.profile import Profile
from gputune.session.folder import SessionFolder
from gputune.session.log import read_events
from gputune.trace.chrome import write_chrome
from gputune.trace.xplane import Trace, UnreadableTrace, find, read


def write_perfetto(profile: Profile, path: Path, *, force: bool) -> None:
    """Write the run over time for Perfetto (packed where the name ends in `.gz`); or OutputFailed.

    What is in it are the phases and the curves; a profile does not hold single operations.
    """
    prove_new(path, force=force)
    content = render_perfetto(profile).encode("ascii")
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    with create(path, option="--chrome", force=force) as file:
        file.write(content)


def write_operations(trace: Trace, path: Path, *, host: bool = True, force: bool) -> None:
    """Write a trace's operations for Perfetto, without the host's threads if so wished.

    Packed where the name ends in `.gz`. Raises OutputFailed, and UnreadableTrace for damage.
    """
    with create(path, option="--chrome", force=force) as file:
        # Packed without a time and a name: two equal traces are two equal files.
        packed = (
            gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=4, mtime=0)
            if path.suffix == ".gz"
            else file
        )
        with io.TextIOWrapper(packed, encoding="ascii") as text:
            write_chrome(trace, text, host=host)


def write_traced_steps(
    session: SessionFolder, wanted: int | None, path: Path, *, force: bool
) -> str:
    """Write the operations of the steps that were traced in a session that still stands.

    `wanted` is the number of the training to analyse, None for the one that is chosen by itself.
    Returns why there is nothing to write, or an empty text. Raises OutputFailed.
    """
    fit = choose_fit(read_run(read_events(session.events)).fits, wanted)
    if fit is None:
        return "no training was seen"
    if fit.trace is None:
        return trace_facts(fit).reason
    found = find(Path(str(fit.trace["logdir"])))
    if found is None:
        return "TensorFlow's profiler wrote no trace"
    try:
        write_operations(read(found), path, force=force)
    except UnreadableTrace as error:
        return str(error)
    return ""


def write_tensorboard(profile: Profile, logdir: Path) -> Path:
    """Write an event file into a run of its own below `logdir`, and return its path.

    `tensorboard --logdir LOGDIR` shows it. Raises OutputFailed where it cannot be written.
    """
    since = began(profile)
    stem = clean_name(Path(profile.script).name.removesuffix(".py"), "script")
    run = logdir / f"{stem}-{datetime.fromtimestamp(since, UTC):%Y%m%dT%H%M%SZ}"
    prove_writable(run)
    host = clean_name(profile.environment.host, "host")
    content = render_tensorboard(profile)
    for number in range(1000):
        path = run / f"events.out.tfevents.{since:.0f}.{host}.{os.getpid()}.{number}"
        if path.exists():
            continue
        with create(path, option="--tensorboard", force=False) as file:
            file.write(content)
        return path
    raise OutputFailed(f"{run} holds too many event files", "give another folder")
