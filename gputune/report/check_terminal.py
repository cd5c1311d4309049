"""A CheckReport on the terminal: the findings first, then what was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table

from gputune.report import check_rows as rows
from gputune.report.around import callback_text
from gputune.report.ink import Ink
from gputune.report.terminal_findings import findings_table, labelled
from gputune.schema.check import CheckReport

_NARROWEST: Final = 40
_MOST_LAYERS: Final = 20
"""Layers that are shown; the page and the JSON have them all."""


def render_check(report: CheckReport, *, width: int, color: bool, ascii_only: bool) -> str:
    """Return what was found, for a terminal; the arguments are those of `render_profile`."""
    ink = Ink(width=max(width, _NARROWEST), color=color, ascii_only=ascii_only)
    return ink.draw(_blocks(report, ink))


def _blocks(report: CheckReport, ink: Ink) -> Iterator[RenderableType]:
    yield ink.text((report.verdict, "bold"))
    if report.findings:
        yield from ("", findings_table(report.findings, ink))
    if report.layers:
        yield from ("", _layers(report, ink))
        more = len(report.layers) - _MOST_LAYERS
        if more > 0:
            yield ink.text(f"and {more} more layers: the page and the JSON have them")
    yield ""
    yield _closing(report, ink)


def _layers(report: CheckReport, ink: Ink) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in rows.HEADINGS:
        right = heading == "parameters"
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in report.layers[:_MOST_LAYERS]:
        table.add_row(*(ink.text(cell) for cell in rows.layer_cells(row)))
    return table


def _closing(report: CheckReport, ink: Ink) -> Table:
    grid = labelled()
    grid.add_row("Run", ink.text(rows.run_text(report)))
    before = ""
    for state, text in rows.check_lines(report):
        label = state.capitalize()
        grid.add_row("" if label == before else label, ink.text(text))
        before = label
    for index, cost in enumerate(report.callbacks):
        grid.add_row("" if index else "Callback", ink.text(callback_text(cost)))
    for index, path in enumerate(report.files_opened_for_writing):
        grid.add_row("" if index else "Wrote to", ink.text(path))
    for index, note in enumerate(report.notes):
        grid.add_row("" if index else "Notes", ink.text(note))
    return grid
