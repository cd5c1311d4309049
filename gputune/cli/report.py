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
    from gputune.report.check_terminal import render_check
    from gputune.report.comparison_terminal import render_comparison
    from gputune.report.doctor_terminal import render_doctor
    from gputune.report.study_terminal import render_study
    from gputune.report.terminal import render_profile
    from gputune.report.trace_terminal import render_trace
    from gputune.schema.check import CheckReport
    from gputune.schema.comparison import Comparison
    from gputune.schema.doctor import DoctorReport
    from gputune.schema.study import Study
    from gputune.schema.trace import TraceReport

    try:
        record = api.load(file)
    except api.UnreadableRecord as error:
        raise Failure(str(error), error.hint, 1) from error
    stream = sys.stdout
    size, colored, plain = width(stream), wants_color(color, stream), needs_ascii(stream)
    if isinstance(record, TraceReport):
        text = render_trace(record, width=size, color=colored, ascii_only=plain)
    elif isinstance(record, Study):
        text = render_study(record, width=size, color=colored, ascii_only=plain)
    elif isinstance(record, Comparison):
        text = render_comparison(record, width=size, color=colored, ascii_only=plain)
    elif isinstance(record, DoctorReport):
        text = render_doctor(record, width=size, color=colored, ascii_only=plain)
    elif isinstance(record, CheckReport):
        text = render_check(record, width=size, color=colored, ascii_only=plain)
    else:
        text = render_profile(record, width=size, color=colored, ascii_only=plain)
    stream.write(text)
    if html is not None:
        try:
            if isinstance(record, TraceReport):
                api.write_trace_page(record, html, json_name=file.name, force=force)
            else:
                api.write_page(record, html, json_name=file.name, force=force)
        except api.OutputFailed as error:
            raise Failure(error.what, error.hint, 1) from error
        say(f"page: {html}")
    return 0
