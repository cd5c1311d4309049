from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.report.literal import literal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r\u2028d", "a b c  d"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("train\udc80.py", "train\\udc80.py"),
        ("训练.py é µ", "训练.py é µ"),
    ],
)
def test_what_acts_is_spelled_out_and_what_reads_stays(text: str, expected: str) -> None:
    assert literal(text) == expected


def test_ascii_spells_units_as_people_do() -> None:
    assert literal("3 µs → 2× ≥ é", ascii_only=True) == "3 us -> 2x >= \\xe9"


@given(st.text(st.characters()))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert literal(text).isprintable()
    assert literal(text, ascii_only=True).isascii()
