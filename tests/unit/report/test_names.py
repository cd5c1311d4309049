from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.report.names import report_name

WHEN = datetime(2026, 7, 29, 10, 11, 12, tzinfo=UTC)


def named(script: str, host: str = "node7") -> str:
    return report_name(script, when=WHEN, host=host, pid=4711, suffix=".json")


@pytest.mark.parametrize(
    ("script", "stem"),
    [
        ("train.py", "train"),
        ("/home/ana/my train.py", "my_train"),
        ("package.train", "package.train"),
        ("../../etc/passwd", "passwd"),
        ("C:\\work\\train.py", "train"),
        ("训练.py", "训练"),
        ("-rf.py", "rf"),
        (".hidden.py", "hidden"),
        ("..", "script"),
        ("???.py", "script"),
        ("", "script"),
        ("a\nb\x1b[31m.py", "a_b_31m"),
    ],
)
def test_the_name_starts_with_a_tame_form_of_the_script(script: str, stem: str) -> None:
    assert named(script) == f"{stem}-20260729T101112Z-node7-4711.json"


def test_the_time_is_written_in_utc() -> None:
    there = WHEN.astimezone(timezone(timedelta(hours=9)))
    name = report_name("train.py", when=there, host="node7", pid=1, suffix=".html")
    assert name == "train-20260729T101112Z-node7-1.html"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        report_name("train.py", when=WHEN.replace(tzinfo=None), host="h", pid=1, suffix=".json")


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_script_and_host_give_a_file_name_that_every_file_system_takes(
    script: str, host: str
) -> None:
    name = named(script, host)
    assert len(name.encode()) <= 255
    assert not re.search(r"[/\\\s\x00-\x1f:*?\"<>|]", name)
    assert not name.startswith((".", "-"))
