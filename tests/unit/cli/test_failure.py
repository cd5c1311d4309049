from __future__ import annotations

import pytest

from gputune.cli.failure import Failure, report_crash, show


def test_an_error_is_what_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    Failure("no such file", "look again", 1).show()
    assert capsys.readouterr().err == "error: no such file\nhint: look again\n"


def test_without_a_hint_it_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show("no such file", "")
    assert capsys.readouterr().err == "error: no such file\n"


def test_each_is_one_line_and_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    show("a\nb\x1b[2J\tc", "d\r\ne")
    assert capsys.readouterr().err == "error: a b [2J c\nhint: d e\n"


def test_a_crash_is_125(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_crash(ValueError("x"), verbose=False) == 125
    assert "Traceback" not in capsys.readouterr().err
