"""A check's findings for TensorBoard."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from gputune.api.files import create
from gputune.api.outputs import OutputFailed, prove_writable
from gputune.report.check_tensorboard import check_began, render_check_tensorboard
from gputune.report.names import clean_name
from gputune.schema.check import CheckReport

_MOST_FILES = 1000


def write_check_tensorboard(report: CheckReport, logdir: Path) -> Path:
    """Write an event file into a run of its own below `logdir`, and return its path.

    `tensorboard --logdir LOGDIR` shows it. Raises OutputFailed where it cannot be written.
    """
    since = check_began(report)
    stem = clean_name(Path(report.script).name.removesuffix(".py"), "script")
    run = logdir / f"{stem}-check-{datetime.fromtimestamp(since, UTC):%Y%m%dT%H%M%SZ}"
    prove_writable(run)
    host = clean_name(report.environment.host, "host")
    content = render_check_tensorboard(report)
    for number in range(_MOST_FILES):
        path = run / f"events.out.tfevents.{since:.0f}.{host}.{os.getpid()}.{number}"
        if not path.exists():
            with create(path, option="--tensorboard", force=False) as file:
                file.write(content)
            return path
    raise OutputFailed(f"{run} holds too many event files", "give another folder")
