"""`gputune compare`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gputune.cli.console import Color, needs_ascii, say, wants_color, width
from gputune.cli.failure import WRONG_COMMAND, Failure
from gputune.cli.options import ColorOption, ForceOneOption, VerboseOption

if TYPE_CHECKING:
    from gputune.schema.comparison import Comparison

SLOWER = 3


class Format(StrEnum):
    """`--format`."""

    TERMINAL = "terminal"
    MD = "md"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


def compare(
    reports: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="BEFORE AFTER [MORE...]",
            help="Reports, or folders of repeated runs; none: the last two of the same script.",
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How it is shown.")] = Format.TERMINAL,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="PATH", help="Write it there.")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="NAME", help="Only this figure.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse reports of other hardware or versions.")
    ] = False,
    fail_if_slower: Annotated[
        str | None,
        typer.Option("--fail-if-slower", metavar="PERCENT", help="Exit with 3: surely slower."),
    ] = None,
    force: ForceOneOption = False,
    color: ColorOption = Color.AUTO,
    verbose: VerboseOption = False,
) -> int:
    """Say what differs between reports, and which of the differences are more than noise.

    One process is one sample: folders of repeated runs (`gputune profile --runs N`) compare
    properly. Exit code: 0, 1 where the reports cannot be compared, 3 for --fail-if-slower.
    """
    from gputune import api

    limit = None if fail_if_slower is None else _fraction(fail_if_slower)
    try:
        found = api.compare(tuple(reports or ()), only=tuple(metric or ()))
    except api.UnreadableRecord as error:
        raise Failure(str(error), error.hint, 1) from error
    except api.NothingToCompare as error:
        raise Failure(error.what, error.hint, 1) from error
    if strict and found.environment_differences:
        row = found.environment_differences[0]
        raise Failure(
            f"--strict: {row.name} differs: {row.before}, {row.after}",
            "measure both on one machine with the same versions, or leave --strict out", 1,
        )  # fmt: skip
    _write(_rendered(found, form, color, to_file=output is not None), output, force=force)
    if limit is not None and api.regression(found, limit):
        say(f"gputune: slower by {fail_if_slower} or more, surely")
        return SLOWER
    return 0


def _fraction(text: str) -> float:
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = -1.0
    if not 0 <= percent < 100:
        raise Failure(
            f"--fail-if-slower {text}: not a percentage", "give one, such as 5%", WRONG_COMMAND
        )
    return percent / 100


def _rendered(found: Comparison, form: Format, color: Color, *, to_file: bool) -> str:
    from gputune.report.comparison_html import render_comparison_page
    from gputune.report.comparison_terminal import render_comparison
    from gputune.report.comparison_text import render_csv, render_markdown
    from gputune.schema.write import to_json

    if form is Format.MD:
        return render_markdown(found)
    if form is Format.CSV:
        return render_csv(found)
    if form is Format.JSON:
        return to_json(found)
    if form is Format.HTML:
        return render_comparison_page(found)
    stream = sys.stdout
    return render_comparison(
        found, width=width(stream), color=not to_file and wants_color(color, stream),
        ascii_only=needs_ascii(stream) and not to_file,
    )  # fmt: skip


def _write(text: str, path: Path | None, *, force: bool) -> None:
    from gputune import api

    if path is None:
        sys.stdout.write(text)
        return
    try:
        api.write_text(path, text, option="-o", force=force)
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, 1) from error
    say(f"written: {path}")
