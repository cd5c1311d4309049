"""Comments on settings: one line each, whatever the user's script put into them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gputune.report.literal import literal
from gputune.schema.config import Config, Setting, Value

_WIDTH = 96
PROPOSED = "Proposed by rules, not yet measured."
MEASURED = "Measured by gputune."


def comment(text: str, *, indent: str = "") -> str:
    """Return the text as comment lines (`# …`); no line of it can end the comment.

    Breaks come only between words: a path or an expression stays in one piece.
    """
    lines = textwrap.wrap(
        literal(text),
        width=_WIDTH - len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(f"{indent}# {line}" for line in lines or [""])


def header(config: Config) -> Iterator[str]:
    """Yield the comment lines that head a file: what it is for, and what it stands on."""
    yield comment(f"Settings that gputune recommends for {config.script}")
    yield comment(MEASURED if config.measured else PROPOSED)
    for sentence in config.evidence:
        yield comment(f"- {sentence}")


def history(setting: Setting, *, place_known: bool = False) -> str:
    """Return what the setting was, where, and why it changes: `was 1, train.py:42: why`.

    The place is left out with `place_known`: where the text around it says it already.
    """
    was = f"was {plain(setting.was)}"
    place = f", {setting.site.label()}" if setting.site and not place_known else ""
    why = f": {setting.note}" if setting.note else ""
    return literal(f"{was}{place}{why}")


def plain(value: Value) -> str:
    """Return a value as a person writes it; None is a setting that was not made."""
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)
