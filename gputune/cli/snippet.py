"""`gputune snippet`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gputune.cli.console import say
from gputune.cli.failure import WRONG_COMMAND, Failure
from gputune.cli.options import ForceOneOption, VerboseOption


def snippet(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="The settings to write as Python.")
    ] = Path("gputune.toml"),
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Write there, not to the terminal."),
    ] = None,
    force: ForceOneOption = False,
    verbose: VerboseOption = False,
) -> int:
    """Show a configuration as Python to paste into the script.

    Exit code: 0, 1 where the file cannot be written, 2 for a configuration that cannot be used.
    """
    from gputune import api

    try:
        text = api.snippet(api.load_config(config))
        if output is None:
            sys.stdout.write(text)
        else:
            api.write_text(output, text, option="-o", force=force)
            say(f"snippet: {output}")
    except api.BadConfig as error:
        raise Failure(error.what, error.hint, WRONG_COMMAND) from error
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, 1) from error
    return 0
