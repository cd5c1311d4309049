"""`gputune trace`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gputune.cli.console import Color, say
from gputune.cli.failure import Failure
from gputune.cli.options import ColorOption, ForceOption, HtmlOption, JsonOption, VerboseOption
from gputune.cli.showing import show


def trace(
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE|LOGDIR", help="An .xplane.pb file, or a profiler's logdir."),
    ],
    json: JsonOption = None,
    html: HtmlOption = None,
    chrome: Annotated[
        Path | None,
        typer.Option(
            "--chrome",
            metavar="PATH",
            help="Write a trace for Perfetto (packed if it ends in .gz).",
        ),
    ] = None,
    chrome_host: Annotated[
        bool,
        typer.Option(
            "--chrome-host/--no-chrome-host", help="With the host's threads in --chrome, or not."
        ),
    ] = True,
    force: ForceOption = False,
    color: ColorOption = Color.AUTO,
    verbose: VerboseOption = False,
) -> int:
    """Say what a trace of TensorFlow's profiler shows of each GPU: kernels, copies, idle time.

    Reads what model.fit with a TensorBoard callback, or tf.profiler, has written; of a logdir the
    newest run. TensorFlow is not imported. Exit code: 0, or 1 where there is no readable trace.
    """
    from gputune import api

    to_stdout = json == "-"
    outputs = api.TraceOutputs(
        json=Path(json) if json is not None and not to_stdout else None,
        html=html,
        chrome=chrome,
        chrome_host=chrome_host,
        force=force,
    )
    try:
        report = api.trace_file(path, outputs=outputs)
    except api.UnreadableTrace as error:
        raise Failure(str(error), error.hint, 1) from error
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, 1) from error
    stream = sys.stderr if to_stdout else sys.stdout
    show(report, stream, color, json_too=to_stdout)
    for what, where in (("JSON", outputs.json), ("page", html), ("for Perfetto", chrome)):
        if where is not None:
            say(f"{what}: {where}")
    return 0
