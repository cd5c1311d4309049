"""`gputune report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gputune.cli.console import Color, needs_ascii, say, wants_color, width
from gputune.cli.failure import WRONG_COMMAND, Failure
from gputune.cli.options import ColorOption, ForceOption, VerboseOption
from gputune.cli.showing import show

if TYPE_CHECKING:
    from gputune.api import Reports


def report(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|DIR...", help="Reports (.json), or folders that hold some."),
    ],
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="PATH",
            help="Write the page there; of several reports the page that lists them.",
        ),
    ] = None,
    chrome: Annotated[
        Path | None,
        typer.Option("--chrome", metavar="PATH", help="Write a profile's run for Perfetto."),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option("--tensorboard", metavar="LOGDIR", help="Write profiles for TensorBoard."),
    ] = None,
    force: ForceOption = False,
    color: ColorOption = Color.AUTO,
    verbose: VerboseOption = False,
) -> int:
    """Show saved reports again: one or several whole, folders as a list, newest first.

    With --html a list becomes a page that leads to each report; a report without a page gets one
    beside its file. Exit code: 0, or 1 where a file is no report.
    """
    from gputune import api

    try:
        found = api.find_reports(files)
    except api.UnreadableRecord as error:
        raise Failure(str(error), error.hint, 1) from error
    _check_exports(found, chrome, tensorboard)
    if any(path.is_dir() for path in files):
        _list(found, color)
    else:
        for one in found.listed:
            if len(found.listed) > 1:
                say(f"\n{one.file}")
            show(one.record, sys.stdout, color)
    try:
        if html is not None:
            _write_page(found, files, html, force=force)
        _export(found, chrome, tensorboard, force=force)
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, 1) from error
    return 0


def _check_exports(found: Reports, chrome: Path | None, tensorboard: Path | None) -> None:
    """Refuse what has no other form, before anything is shown."""
    from gputune.schema.profile import Profile

    if chrome is None and tensorboard is None:
        return
    if chrome is not None and len(found.listed) > 1:
        raise Failure("--chrome writes one profile", "give one report", WRONG_COMMAND)
    option = "--chrome" if chrome is not None else "--tensorboard"
    for one in found.listed:
        if not isinstance(one.record, Profile):
            raise Failure(
                f"{option}: {one.file} is no profile", "give a report of `gputune profile`", 1
            )


def _list(found: Reports, color: Color) -> None:
    from gputune.report.index_terminal import render_list

    stream = sys.stdout
    stream.write(
        render_list(
            found.entries, width=width(stream), color=wants_color(color, stream),
            ascii_only=needs_ascii(stream),
        )
    )  # fmt: skip
    if found.left_out:
        say(f"left out, since they are no readable reports: {len(found.left_out)} files")


def _write_page(found: Reports, files: list[Path], html: Path, *, force: bool) -> None:
    """The page of the one report, or the page that lists them."""
    from gputune import api

    if len(files) == 1 and not files[0].is_dir():
        (one,) = found.listed
        api.write_page(one.record, html, json_name=files[0].name, force=force)
    else:
        title = str(files[0]) if len(files) == 1 else f"{len(found.listed)} reports"
        made = api.write_index(found, html, title=title, force=force)
        for page in made:
            say(f"page made: {page}")
    say(f"page: {html}")


def _export(found: Reports, chrome: Path | None, tensorboard: Path | None, *, force: bool) -> None:
    from gputune import api
    from gputune.schema.profile import Profile

    for one in found.listed:
        if not isinstance(one.record, Profile):
            continue
        if chrome is not None:
            api.write_perfetto(one.record, chrome, force=force)
            say(f"for Perfetto: {chrome}")
        if tensorboard is not None:
            say(f"for TensorBoard: {api.write_tensorboard(one.record, tensorboard)}")
