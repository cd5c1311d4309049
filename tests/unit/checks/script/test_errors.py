"""An error in one line: what it says at its core."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gputune.checks.script.errors import named_site, said
from gputune.inject import sites

GRAPH = """\
Graph execution error:

Detected at node model/reshape/Reshape defined at (most recent call last):
  File "{file}", line 1, in <module>
  File "{library}", line 5, in call
Input to reshape is a tensor with 4 values, but the requested shape has 64
\t [[{{{{node model/reshape/Reshape}}}}]] [Op:__inference_one_step_12]
"""


@pytest.fixture(autouse=True)
def _fresh_places() -> None:
    sites.is_user_file.cache_clear()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "ValueError: plain"),
        ("", "ValueError"),
        ("one\nline of two\n\nand more", "ValueError: one line of two"),
        ("wraps. Exception encountered: wraps again. Exception encountered: the cause",
         "ValueError: the cause"),
        ("Exception encountered when calling Lambda.call().\n\n\x1b[1mname 'tf' is not defined"
         "\x1b[0m\n\nArguments received by Lambda.call():", "ValueError: name 'tf' is not defined"),
        (GRAPH.format(file="x.py", library="y.py"),
         "ValueError: Input to reshape is a tensor with 4 values, but "
         "the requested shape has 64"),
    ],
)  # fmt: skip
def test_the_core_of_an_error(text: str, expected: str) -> None:
    assert said(ValueError(text)) == expected


def test_a_long_error_is_cut() -> None:
    assert len(said(ValueError("x" * 5000))) < 250


def test_the_users_line_in_the_history_of_a_node(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text("model.predict(x)\n", encoding="utf-8")
    site = named_site(ValueError(GRAPH.format(file=file, library=json.__file__)))
    assert site is not None
    assert (site.file, site.line, site.code) == (str(file), 1, "model.predict(x)")
    assert named_site(ValueError("nothing")) is None
