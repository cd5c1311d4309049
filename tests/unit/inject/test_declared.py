"""What `gputune.knob` returns in a process that has settings, and what the session is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gputune
from gputune.inject.declared import Declared
from gputune.inject.guard import Guard
from gputune.knobs import declaring
from gputune.schema.config import Setting, Value
from gputune.schema.site import Site
from tests.unit.inject.watching import MemoryLog, watch_in


@pytest.fixture(autouse=True)
def nobody_answers_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(declaring, "_answer", None)
    yield


def answered(folder: Path, *settings: tuple[str, Value], **more: Any) -> MemoryLog:
    """From now on these settings answer."""
    watch, log = watch_in(folder)
    wanted = [Setting(knob=f"knob.{name}", value=value, **more) for name, value in settings]
    declaring.answer_with(Declared(watch, wanted, declaring.answering()).answer)
    return log


def test_a_setting_of_the_name_is_what_the_script_gets(tmp_path: Path) -> None:
    log = answered(tmp_path, ("width", 128), ("rate", 2))
    assert gputune.knob("width", 64, choices=[64, 128]) == 128
    rate = gputune.knob("rate", 0.5)
    assert rate == 2.0 and type(rate) is float
    assert gputune.knob("depth", 3) == 3
    told = {event["name"]: event for event in log.of("knob")}
    assert {name: event["value"] for name, event in told.items()} == {
        "width": 128, "rate": 2.0, "depth": 3
    }  # fmt: skip
    assert told["width"]["default"] == 64 and told["width"]["choices"] == (64, 128)
    assert told["width"]["site"]["file"] == __file__
    assert [event["how"] for event in log.of("edit")] == ["placed", "placed"]


def test_one_line_is_told_once_however_often_it_runs(tmp_path: Path) -> None:
    log = answered(tmp_path, ("width", 128))
    assert {gputune.knob("width", 64) for _ in range(100)} == {128}
    assert len(log.of("knob")) == 1


def test_what_the_script_does_not_allow_is_left_at_its_default_and_told(tmp_path: Path) -> None:
    log = answered(tmp_path, ("width", 100))
    assert gputune.knob("width", 64, choices=[64, 128]) == 64
    (event,) = log.of("edit")
    assert event["how"] == "missed" and event["note"] == "100 is not among 64, 128"
    assert log.of("knob")[0]["value"] == 64


def test_a_setting_with_a_line_is_for_that_line_alone(tmp_path: Path) -> None:
    lines = Path(__file__).read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.endswith("  # the line meant"))
    answered(tmp_path, ("width", 128), site=Site(file=__file__, line=line))
    assert gputune.knob("width", 64) == 128  # the line meant
    assert gputune.knob("width", 16) == 16


def test_gputune_goes_over_what_the_script_has_applied(tmp_path: Path) -> None:
    """The script's own value is what gputune sees as the default, and may change."""
    outer = answered(tmp_path / "outer", ("rate", 0.25))
    answered(tmp_path / "own", ("width", 128), ("rate", 0.5))
    assert gputune.knob("width", 64) == 128
    assert gputune.knob("rate", 1.0) == 0.25
    told = {event["name"]: (event["default"], event["value"]) for event in outer.of("knob")}
    assert told == {"width": (128, 128), "rate": (0.5, 0.25)}


def test_a_failure_of_ours_leaves_the_script_its_own_value(tmp_path: Path) -> None:
    watch, log = watch_in(tmp_path)
    watch.guard = Guard(log, break_hook="edits:knob")  # type: ignore[arg-type]
    wanted = [Setting(knob="knob.width", value=128)]
    declaring.answer_with(Declared(watch, wanted).answer)
    assert gputune.knob("width", 64) == 64
    assert [event["hook"] for event in log.of("hook_disabled")] == ["edits:knob"]


def test_a_forked_process_gets_the_same_value_and_tells_nobody(tmp_path: Path) -> None:
    watch, log = watch_in(tmp_path)
    declaring.answer_with(Declared(watch, [Setting(knob="knob.width", value=128)]).answer)
    watch.guard.disable_all()
    assert gputune.knob("width", 64) == 128
    assert not log.of("knob")
