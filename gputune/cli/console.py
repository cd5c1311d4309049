"""What the terminal can show."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from typing import TextIO


class Color(StrEnum):
    """`--color`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def wants_color(choice: Color, stream: TextIO) -> bool:
    """`--color`, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if choice is not Color.AUTO:
        return choice is Color.ALWAYS
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def needs_ascii(stream: TextIO) -> bool:
    """Whether the stream cannot take the characters beyond ASCII."""
    return (stream.encoding or "ascii").lower().replace("-", "") not in ("utf8", "utf8sig")


def width(stream: TextIO) -> int:
    """Columns of the terminal, 100 where there is none."""
    if not stream.isatty() and "COLUMNS" not in os.environ:
        return 100
    return shutil.get_terminal_size((100, 40)).columns


def say(text: str) -> None:
    """A line of gputune's own: on standard error, so that the script's output stays its own."""
    encoding = sys.stderr.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), file=sys.stderr, flush=True)
