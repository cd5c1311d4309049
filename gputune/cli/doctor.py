"""`gputune doctor`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gputune.cli.console import Color, say
from gputune.cli.failure import Failure
from gputune.cli.options import ColorOption, ForceOption, HtmlOption, JsonOption, VerboseOption
from gputune.cli.showing import show

PROBLEM_FOUND = 1


def doctor(
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="DIR", help="Also look at the disk of this folder."),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="S", min=1, help="Give TensorFlow so long to import."),
    ] = 120.0,
    json: JsonOption = None,
    html: HtmlOption = None,
    force: ForceOption = False,
    color: ColorOption = Color.AUTO,
    verbose: VerboseOption = False,
) -> int:
    """Say whether TensorFlow sees this machine's GPU, and if not, why; and what else is amiss.

    Looks at driver, CUDA's libraries, TensorFlow's build, variables, Keras, host and disk, without
    a script, root or a network. Exit code: 0, or 1 where there is a problem.
    """
    from gputune import api

    to_stdout = json == "-"
    outputs = api.DoctorOutputs(
        json=Path(json) if json is not None and not to_stdout else None, html=html, force=force
    )
    try:
        report = api.doctor(folders=tuple(data or ()), timeout_s=timeout, outputs=outputs)
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, 1) from error
    stream = sys.stderr if to_stdout else sys.stdout
    show(report, stream, color, json_too=to_stdout)
    for what, where in (("JSON", outputs.json), ("page", html)):
        if where is not None:
            say(f"{what}: {where}")
    return PROBLEM_FOUND if report.problems else 0
