"""Where a step goes: one bar, and a row for each of its parts."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gputune.report import figures, rows
from gputune.report.ink import Ink
from gputune.report.rows import Part
from gputune.schema.profile import Profile

# Sign in UTF-8, sign in ASCII, colour. Each part keeps its own in every report.
_LOOKS: Final = {
    "input_wait_s": ("█", "#", "red"),
    "device_compute_s": ("▓", "=", "green"),
    "h2d_exposed_s": ("▒", "<", "blue"),
    "d2h_exposed_s": ("░", ">", "cyan"),
    "launch_s": ("▚", "+", "magenta"),
    "python_s": ("╱", "/", "yellow"),
    "other_s": ("·", ".", "bright_black"),
}
_WIDEST: Final = 80


def breakdown(profile: Profile, ink: Ink) -> RenderableType:
    """Return the breakdown of the step: its heading, the bar, and the rows."""
    parts = rows.parts(profile)
    step_s = profile.steps.mean_s if profile.steps else None
    heading = ink.text(
        ("Where a step goes", "bold"), f" ({figures.seconds(step_s)})" if step_s else ""
    )
    return Group(heading, _bar(parts, ink), _table(parts, ink))


def _sign(part: Part, ink: Ink) -> tuple[str, str]:
    """Return the character and the colour that stand for a part."""
    fine, plain, color = _LOOKS[part.key]
    # In colour every part is a full block: the shades would blur what the colours tell apart.
    return (plain if ink.ascii_only else "█" if ink.color else fine), color


def _bar(parts: list[Part], ink: Ink) -> Text:
    """Draw the parts side by side; one that is at or below 0 takes no room."""
    bar = Text("  ", no_wrap=True)
    lengths = [max(0.0, part.seconds or 0.0) for part in parts]
    total = sum(lengths)
    width = min(ink.width - 4, _WIDEST)
    if total <= 0:
        return bar
    drawn, passed = 0, 0.0
    for part, length in zip(parts, lengths, strict=True):
        passed += length
        end = round(passed / total * width)
        char, color = _sign(part, ink)
        bar.append(char * (end - drawn), color)
        drawn = end
    return bar


def _table(parts: list[Part], ink: Ink) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=3, justify="right")
    for justify in ("left", "right", "right", "left"):
        grid.add_column(justify=justify, overflow="fold")
    for part in parts:
        char, color = _sign(part, ink)
        grid.add_row(
            Text("" if part.seconds is None else char, color),
            ink.text(part.label),
            ink.text(figures.seconds(part.seconds)),
            "" if part.seconds is None else ink.text(figures.share(part.fraction)),
            ink.text((part.note, "dim")),
        )
    return grid
