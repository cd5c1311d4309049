from __future__ import annotations

import io
import sys

import pytest

from gputune.cli.console import Color, needs_ascii, say, wants_color, width


class Stream(io.TextIOWrapper):
    """A stream of some encoding that is a terminal, or is none."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def written(self) -> bytes:
        self.flush()
        return self.buffer.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("choice", "variables", "terminal", "expected"),
    [
        (Color.AUTO, {}, True, True),
        (Color.AUTO, {}, False, False),
        (Color.AUTO, {"TERM": "dumb"}, True, False),
        (Color.AUTO, {"NO_COLOR": "1"}, True, False),
        (Color.AUTO, {"NO_COLOR": ""}, True, True),
        (Color.AUTO, {"FORCE_COLOR": "1"}, False, True),
        (Color.AUTO, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        (Color.ALWAYS, {"NO_COLOR": "1"}, False, True),
        (Color.NEVER, {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_the_options_then_the_variables_then_the_terminals(
    choice: Color, variables: dict[str, str], terminal: bool, expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert wants_color(choice, Stream(terminal=terminal)) is expected


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", False), ("UTF8", False), ("utf-8-sig", False), ("ascii", True), ("latin-1", True)],
)
def test_only_utf8_takes_more_than_ascii(encoding: str, expected: bool) -> None:
    assert needs_ascii(Stream(encoding=encoding)) is expected


def test_a_stream_without_an_encoding_takes_ascii() -> None:
    assert needs_ascii(io.StringIO())


def test_without_a_terminal_a_line_has_a_hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    assert width(Stream()) == 100
    monkeypatch.setenv("COLUMNS", "63")
    assert width(Stream()) == 63


def test_what_the_terminal_cannot_show_does_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    say("gputune: 3 × µs — ok")
    assert stream.written == b"gputune: 3 ? ?s ? ok\n"
