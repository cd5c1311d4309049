"""Rich texts from plain ones: no markup is ever read, and nothing acts on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO

from rich.console import Console, RenderableType
from rich.text import Text

from gputune.report.literal import literal


@dataclass(frozen=True, kw_only=True)
class Ink:
    """How a terminal is written to: `width` columns, with or without colour, ASCII or UTF-8."""

    width: int
    color: bool
    ascii_only: bool

    def text(self, *pieces: str | tuple[str, str]) -> Text:
        """Join strings, or (string, style) pairs, into one text that is shown as it stands."""
        made = Text(overflow="fold")
        for piece in pieces:
            words, style = piece if isinstance(piece, tuple) else (piece, "")
            made.append(literal(words, ascii_only=self.ascii_only), style)
        return made

    def listed(self, items: Iterable[str]) -> str:
        """Join figures that stand side by side."""
        return (", " if self.ascii_only else " · ").join(items)

    def draw(self, blocks: Iterable[RenderableType]) -> str:
        """Return the blocks as the terminal shows them, ending in one line break."""
        paper = StringIO()
        console = Console(
            file=paper,
            width=self.width,
            force_terminal=self.color,
            color_system="standard" if self.color else None,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
            # The arguments decide, not NO_COLOR or COLUMNS: who calls has looked at those.
            _environ={},
        )
        for block in blocks:
            console.print(block)
        lines = [line.rstrip() for line in paper.getvalue().splitlines()]
        return "\n".join(lines).rstrip("\n") + "\n"
