"""`gputune check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gputune.cli.console import Color, say, width
from gputune.cli.failure import OWN_FAILURE, WRONG_COMMAND, Failure
from gputune.cli.options import (
    ColorOption,
    FolderOption,
    ForceOption,
    HtmlOption,
    JsonOption,
    ModuleOption,
    ScriptArguments,
    VerboseOption,
)
from gputune.cli.showing import show

if TYPE_CHECKING:
    from gputune.api import Checked


def check(
    target: Annotated[
        str | None, typer.Argument(metavar="SCRIPT", help="The script, or with -m the module.")
    ] = None,
    arguments: ScriptArguments = None,
    module: ModuleOption = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Name all checks, a sentence each, and end.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="A,B", help="These checks alone.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="A,B", help="All checks but these.")
    ] = None,
    fit: Annotated[
        int | None,
        typer.Option("--fit", metavar="N", min=1, help="Check the Nth fit of the script."),
    ] = None,
    max_seconds: Annotated[
        float,
        typer.Option(
            "--max-seconds", metavar="S", min=0.1, help="Longest training, its first step apart."
        ),
    ] = 60.0,
    folder: FolderOption = None,
    json: JsonOption = None,
    html: HtmlOption = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option("--tensorboard", metavar="LOGDIR", help="Write findings for TensorBoard."),
    ] = None,
    force: ForceOption = False,
    color: ColorOption = Color.AUTO,
    verbose: VerboseOption = False,
) -> int:
    """Find mistakes in a training script before they cost hours.

    The script is run through its first training steps, in one or two shortened epochs, and ended
    there; what Keras and TensorFlow write meanwhile goes to a scratch folder.
    Exit code: 0, 1 where a problem was found, 130 after Ctrl-C, 125 for a failure of gputune.
    """
    from gputune import api

    if listed:
        _list()
        return 0
    if target is None:
        raise Failure(
            "no script was named", "gputune check train.py, or gputune check --list", WRONG_COMMAND
        )
    to_stdout = json == "-"
    outputs = api.CheckOutputs(
        folder=folder or api.CheckOutputs().folder,
        json=Path(json) if json is not None and not to_stdout else None,
        html=html,
        to_stdout=to_stdout,
        force=force,
        tensorboard=tensorboard,
    )
    wanted = api.Target.named(target, module=module, arguments=arguments or ())
    try:
        checked = api.check(
            wanted, only=tuple(only or ()), skip=tuple(skip or ()), fit=fit, max_s=max_seconds,
            outputs=outputs, on_start=_announce,
        )  # fmt: skip
    except api.UnknownCheck as error:
        raise Failure(error.what, error.hint, WRONG_COMMAND) from error
    except api.BadTarget as error:
        raise Failure(error.what, error.hint, error.exit_code) from error
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, OWN_FAILURE) from error
    _show(checked, color, to_stdout=to_stdout)
    return checked.exit_code


def _list() -> None:
    """One check a line; the sentences are wrapped, the names stand alone."""
    import textwrap

    from gputune import api

    checks = api.list_checks()
    column = max(len(name) for name, _ in checks) + 2
    for name, sentence in checks:
        lines = textwrap.wrap(sentence, max(width(sys.stdout) - column, 40))
        print(name.ljust(column) + f"\n{' ' * column}".join(lines))


def _announce() -> None:
    say(
        "gputune: the script is run through its first training steps, then ended; its checkpoints "
        "and logs go to a scratch folder"
    )


def _show(checked: Checked, color: Color, *, to_stdout: bool) -> None:
    import shlex

    show(checked.report, sys.stderr, color, json_too=to_stdout)
    if checked.written.html is not None:
        say(f"page: {checked.written.html}")
    if checked.written.tensorboard is not None:
        logdir = shlex.quote(str(checked.written.tensorboard.parent.parent))
        say(f"for TensorBoard: tensorboard --logdir {logdir}")
    if checked.written.json is not None:
        say(f"next: gputune report {shlex.quote(str(checked.written.json))}")
