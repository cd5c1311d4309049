"""Text that others wrote (script names, code lines, GPU names), made safe to show as it is."""

from __future__ import annotations

_ASCII = str.maketrans(
    {
        "µ": "u",
        "μ": "u",
        "×": "x",
        "·": "-",
        "–": "-",
        "—": "-",
        "…": "...",
        "→": "->",
        "≤": "<=",
        "≥": ">=",
        "±": "+/-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "«": '"',
        "»": '"',
    }
)


def literal(text: str, *, ascii_only: bool = False) -> str:
    r"""Return `text` as one line of printable characters that no terminal acts upon.

    Line breaks, tabs and every other white space become a space. What cannot be printed is
    spelled out (an escape byte becomes the four characters `\x1b`): control characters, lone
    surrogates, and the invisible marks that turn the direction of writing, which can make a line
    of code read differently from what it does. With `ascii_only`, the signs that gputune uses get
    their ASCII spelling (`us` for microseconds) and all other characters are spelled out.
    """
    shown = "".join(_shown(char) for char in text)
    if ascii_only:
        shown = shown.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
    return shown


def _shown(char: str) -> str:
    if char.isspace():
        return " "
    if char.isprintable():
        return char
    return ascii(char)[1:-1]
