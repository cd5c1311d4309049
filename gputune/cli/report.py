"""`gputune report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gputune.cli.console import Color, needs_ascii, say, wants_color, width
from gputune.cli.failure import Failure


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report's .json file.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="PATH", help="Write the page there.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a page that exists.")] = False,
    color: Annotated[Color, typer.Option("--color", help="Colour on the terminal.")] = Color.AUTO,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tracebacks of gputune's own errors.")
    ] = False,
) -> int:
    """Show a saved report again. Exit code: 0, or 1 where the file is no report."""
    from gputune import api
    from gputune.report.terminal import render_profile

    try:
        profile = api.load(file)
    except api.UnreadableRecord as error:
        raise Failure(str(error), error.hint, 1) from error
    stream = sys.stdout
    stream.write(
        render_profile(
            profile,
            width=width(stream),
            color=wants_color(color, stream),
            ascii_only=needs_ascii(stream),
        )
    )
    if html is not None:
        try:
            api.write_page(profile, html, json_name=file.name, force=force)
        except api.OutputFailed as error:
            raise Failure(error.what, error.hint, 1) from error
        say(f"page: {html}")
    return 0
