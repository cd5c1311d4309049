"""How a value is written where text is read: `-1` where `int(…)` reads it, not AUTOTUNE."""

from __future__ import annotations

import ast

from gputune.rewrite.patch.origins.quest import Origin, string

_NOTHING_READS = ("", "str")


def as_text(value: str, reads: tuple[str, ...]) -> str | None:
    """The text that is read as the value, without quotes; None where there is none.

    `value` is an expression, `reads` what reads the text, the inner first.
    """
    plain = _plain(value)
    first = next((one for one in reads if one != "str"), "")
    if first in _NOTHING_READS or plain is None:
        return plain if first in _NOTHING_READS else None
    truth = {"True": "1", "False": "0"}.get(plain)
    if first == "bool":  # of any text but the empty one it makes True
        return {"1": "1", "0": ""}.get(truth or "")
    number = truth or plain
    try:
        int(number) if first == "int" else float(number)
    except ValueError:
        return None
    return number


def written(origin: Origin, value: str) -> str | None:
    """The expression to write at a place; None where none is read there as the value."""
    quoted = value[:1] in ("'", '"')
    if string(origin.node) is None:
        if origin.reads and origin.reads[0] in ("int", "float", "bool") and quoted:
            return None
        return "-1" if origin.outside and value.endswith("AUTOTUNE") else value
    if quoted and all(one == "str" for one in origin.reads):
        return value
    if not any(one in ("int", "float", "bool") for one in origin.reads):
        return None
    text = as_text(value, origin.reads)
    return None if text is None else f'"{text}"'


def _plain(value: str) -> str | None:
    if value.endswith("AUTOTUNE"):
        return "-1"
    if value[:1] in ("'", '"'):
        text = ast.literal_eval(value)
        return text if isinstance(text, str) else None
    return value
