"""A list of reports on the terminal, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from gputune.report.index import Entry
from gputune.report.ink import Ink

_NARROWEST = 60


def render_list(found: Sequence[Entry], *, width: int, color: bool, ascii_only: bool) -> str:
    """Return the list for a terminal; arguments as those of `render_profile`."""
    ink = Ink(width=max(width, _NARROWEST), color=color, ascii_only=ascii_only)
    return ink.draw(_blocks(found, ink))


def _blocks(found: Sequence[Entry], ink: Ink) -> Iterator[RenderableType]:
    for one in found:
        rate = f", {one.rate}" if one.rate else ""
        yield ink.text((one.when, "bold"), f"  {one.kind} of {one.script}{rate}")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=0)
        grid.add_column(overflow="fold")
        grid.add_row("", ink.text(one.verdict))
        grid.add_row("", ink.text((one.file, "dim")))
        yield grid
