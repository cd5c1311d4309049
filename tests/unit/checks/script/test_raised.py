"""An error's frames, and the user's line that led to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gputune.checks.script.raised import Raised
from gputune.inject import sites


@pytest.fixture(autouse=True)
def _fresh_places() -> None:
    sites.is_user_file.cache_clear()


class Layer:
    def call(self, inputs: int) -> None:
        size = inputs + 1
        raise ValueError(f"too large: {size}")


def outer() -> None:
    Layer().call(41)


def caught(function) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_frames_are_innermost_first_with_instance_and_variables() -> None:
    raised = Raised(caught(outer))
    inner, middle, *_ = raised.frames
    assert (inner.function, middle.function) == ("call", "outer")
    assert isinstance(inner.instance, Layer) and inner.variables["size"] == 42
    assert (raised.kind, raised.text) == ("ValueError", "too large: 42")


def test_the_site_is_the_users_innermost_line() -> None:
    error = caught(lambda: json.loads("{"))
    site = Raised(error).site
    assert site is not None
    assert site.file == str(Path(__file__)) and "json.loads" in site.code
    assert any(frame.function == "caught" for frame in site.via)


def test_what_an_error_was_raised_from_counts_too() -> None:
    def chained() -> None:
        try:
            outer()
        except ValueError:
            raise RuntimeError("again") from None

    raised = Raised(caught(chained))
    assert [type(error).__name__ for error in raised.chain] == ["RuntimeError", "ValueError"]
    assert "call" in [frame.function for frame in raised.frames]


def test_an_error_that_cannot_be_printed_is_one_without_text() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert Raised(Mute()).text == ""
    assert Raised(Mute()).site is None
