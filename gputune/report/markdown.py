"""Text that others wrote, as Markdown shows it literally."""

from __future__ import annotations

from gputune.report.literal import literal


def escaped(text: str) -> str:
    """Text on one line that Markdown shows as it stands: no markup, no HTML."""
    shown = literal(text)
    for sign in "\\`*_[]<>|#":
        shown = shown.replace(sign, "\\" + sign)
    return shown
