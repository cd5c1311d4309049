"""`gputune run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gputune.cli.console import say
from gputune.cli.failure import WRONG_COMMAND, Failure
from gputune.cli.options import ModuleOption, ScriptArgument, ScriptArguments, VerboseOption


def run(
    target: ScriptArgument,
    arguments: ScriptArguments = None,
    module: ModuleOption = False,
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="The settings to put in.")
    ] = Path("gputune.toml"),
    verbose: VerboseOption = False,
) -> int:
    """Train with a configuration, without editing the script; nothing is measured.

    The script runs to its own end and writes its own files. A setting for which it has no place
    is named at the end, on standard error.
    Exit code: the script's own, 2 for a configuration that cannot be used, 125 for a failure of
    gputune.
    """
    from gputune import api

    wanted = api.Target.named(target, module=module, arguments=arguments or ())

    def on_start() -> None:
        count = len(settings.settings)
        what = "1 setting" if count == 1 else f"{count} settings"
        say(f"gputune: {what} of {config}")

    try:
        settings = api.load_config(config)
        ran = api.run(wanted, config=settings, on_start=on_start)
    except api.BadConfig as error:
        raise Failure(error.what, error.hint, WRONG_COMMAND) from error
    except api.BadTarget as error:
        raise Failure(error.what, error.hint, error.exit_code) from error
    for note in ran.notes:
        say(f"gputune: {note}")
    return ran.exit_code
