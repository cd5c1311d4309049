from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gputune.inject.opened import watch_opened_files
from gputune.session import events
from tests.unit.inject.watching import MemoryLog, watch_in

Audit = Callable[[str, tuple[Any, ...]], None]
WRITE, READ = os.O_WRONLY | os.O_CREAT, os.O_RDONLY


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Audit, MemoryLog]:
    """The audit hook, caught instead of set (one that is set stays for the whole process)."""
    hooks: list[Audit] = []
    monkeypatch.setattr(sys, "addaudithook", hooks.append)
    watch, log = watch_in(tmp_path / "session")
    watch_opened_files(watch)
    (audit,) = hooks
    return audit, log


def opened(log: MemoryLog) -> list[str]:
    return [event["path"] for event in log.of(events.OPENED)]


def test_a_file_opened_for_writing_is_noted_once(watched: tuple[Audit, MemoryLog]) -> None:
    audit, log = watched
    for flags in (WRITE, os.O_RDWR, WRITE):
        audit("open", ("/work/log.csv", "w", flags))
    assert opened(log) == ["/work/log.csv"]


def test_a_relative_path_is_noted_as_an_absolute_one(
    watched: tuple[Audit, MemoryLog], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    audit, log = watched
    monkeypatch.chdir(tmp_path)
    audit("open", ("log.csv", "w", WRITE))
    assert opened(log) == [str(tmp_path / "log.csv")]


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("open", ("/work/data.csv", "r", READ)),
        ("open", (7, "w", WRITE)),
        ("open", ("/work/x", "w", None)),
        ("open", ("/dev/null", "w", WRITE)),
        ("open", ("/proc/self/oom_score_adj", "w", WRITE)),
        ("open", ("/work/__pycache__/m.cpython-311.pyc.1", "w", WRITE)),
        ("open", ("/work/m.pyc", "w", WRITE)),
        ("open", ("/prefix/work/m.cpython-311.pyc.140021", "w", WRITE)),
        ("open", ("/tmp/__autograph_generated_filex.py", "w", WRITE)),
        ("os.mkdir", ("/work/folder", 0o777, -1)),
        ("import", ("json", None, None)),
    ],
)
def test_reading_devices_caches_and_other_events_are_not_noted(
    watched: tuple[Audit, MemoryLog], event: str, arguments: tuple[Any, ...]
) -> None:
    audit, log = watched
    audit(event, arguments)
    assert log.events == []


def test_gputunes_own_session_is_not_noted(
    watched: tuple[Audit, MemoryLog], tmp_path: Path
) -> None:
    audit, log = watched
    audit("open", (str(tmp_path / "session" / "events.jsonl"), "a", WRITE))
    assert log.events == []


def test_no_more_than_fifty_are_noted(watched: tuple[Audit, MemoryLog]) -> None:
    audit, log = watched
    for i in range(200):
        audit("open", (f"/work/{i}", "w", WRITE))
    assert len(opened(log)) == 50


def test_noting_a_file_that_opens_a_file_does_not_go_round(
    watched: tuple[Audit, MemoryLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    audit, log = watched
    write = log.write

    def opening(event: str, **fields: Any) -> None:
        audit("open", ("/work/inner", "w", WRITE))
        write(event, **fields)

    monkeypatch.setattr(log, "write", opening)
    audit("open", ("/work/outer", "w", WRITE))
    assert opened(log) == ["/work/outer"]


def test_a_failing_log_does_not_reach_the_script(watched: tuple[Audit, MemoryLog]) -> None:
    audit, log = watched
    log.full = True
    audit("open", ("/work/a", "w", WRITE))
    log.full = False
    audit("open", ("/work/b", "w", WRITE))
    assert log.events == []
