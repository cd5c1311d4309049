"""A Comparison on the terminal: the verdict, what differs beside the figures, then the figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from rich.console import RenderableType
from rich.table import Table

from gputune.report import comparison_rows as rows
from gputune.report.ink import Ink
from gputune.schema.comparison import Comparison

_NARROWEST = 60
_STYLES = {"faster": "green", "slower": "red", "inconclusive": "dim", "same": ""}


def render_comparison(comparison: Comparison, *, width: int, color: bool, ascii_only: bool) -> str:
    """Return the comparison for a terminal; arguments as those of `render_profile`."""
    ink = Ink(width=max(width, _NARROWEST), color=color, ascii_only=ascii_only)
    return ink.draw(_blocks(comparison, ink))


def _blocks(comparison: Comparison, ink: Ink) -> Iterator[RenderableType]:
    yield ink.text((comparison.verdict, "bold"))
    for side in range(1, len(comparison.sides)):
        yield ""
        yield ink.text(rows.side_text(comparison, 0))
        yield ink.text(rows.side_text(comparison, side))
        arrow = "->" if ink.ascii_only else "→"
        for heading, found in rows.differences(comparison, side):
            yield ""
            yield ink.text((heading, "bold"))
            for row in found:
                yield ink.text(f"  {row.name}: {row.before} {arrow} {row.after}")
        yield ""
        yield _table(comparison, side, ink)
        for names, reason in rows.reasons(comparison, side):
            yield ink.text(f"{names}: {reason}")
    for note in comparison.notes:
        yield ink.text(("note: ", "bold"), note)


def _table(comparison: Comparison, side: int, ink: Ink) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    for number, heading in enumerate(rows.HEADINGS):
        at_an_end = number in (0, len(rows.HEADINGS) - 1)
        where: Literal["left", "right"] = "left" if at_an_end else "right"
        table.add_column(heading, no_wrap=number == 0, justify=where, overflow="fold")
    for row in rows.of_side(comparison, side):
        cells = [ink.text(cell) for cell in rows.cells(row)]
        cells[-1] = ink.text((rows.verdict(row), _STYLES.get(row.verdict, "")))
        table.add_row(*cells)
    return table
