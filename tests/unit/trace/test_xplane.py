"""Reading XPlane files."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from gputune.trace import xplane
from tests.fixtures.xplane_writer import Ref, Writer
from tests.unit.trace.traces import FOLDER, real


def test_times_are_absolute_on_the_axis_of_the_trace() -> None:
    writer = Writer()
    writer.plane("/host:CPU").line("python", timestamp_ns=22_092).event("a", 5, 12)
    (event,) = writer.trace().host.lines[0].events()
    assert (event.start_ps, event.duration_ps, event.end_ps) == (22_097_000, 7_000, 22_104_000)
    assert event.start_ns == 22_097


def test_every_kind_of_stat_is_resolved() -> None:
    writer = Writer()
    writer.plane("/host:CPU").line("t").event(
        "a", 0, 1, text="x", raw=b"\x00", number=-3, large=2**63 + 5, real=0.5, reference=Ref("yes")
    )
    (event,) = writer.trace().host.lines[0].events()
    expected = {
        "text": "x",
        "raw": b"\x00",
        "number": -3,
        "large": 2**63 + 5,
        "real": 0.5,
        "reference": "yes",
    }
    assert event.stats == expected
    assert {name: event.stat(name) for name in expected} == expected
    assert event.stat("absent") is None


def test_only_wanted_events_are_built_and_names_are_asked_once() -> None:
    writer = Writer()
    line = writer.plane("/host:CPU").line("t")
    for at in range(4):
        line.event("a" if at % 2 else "b", at, at + 1)
    asked: list[str] = []

    def wanted(name: str) -> bool:
        asked.append(name)
        return name == "a"

    read = writer.trace().host.lines[0]
    assert [event.start_ps for event in read.events(wanted)] == [1000, 3000]
    assert sorted(asked) == ["a", "b"]
    assert len(read) == 4


def test_the_epoch_is_when_the_profiler_started() -> None:
    writer = Writer()
    writer.plane("/host:CPU")
    writer.plane("Task Environment").stat("profile_start_time", 1_795_453_697_447_781_608)
    assert writer.trace().epoch_ns == 1_795_453_697_447_781_608


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"# a text file, and not a trace\n", "cut off or is no trace"),
        (b"\x28\x01", "holds no planes"),  # a valid message with one unknown field
        (b"\x0a\x00", "holds no planes"),
    ],
)
def test_what_is_no_trace_is_refused_with_a_hint(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "x.xplane.pb"
    file.write_bytes(content)
    with pytest.raises(xplane.UnreadableTrace, match=what) as caught:
        xplane.read(file)
    assert caught.value.hint
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_trace_that_is_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    whole = (FOLDER / "tiny_dense.xplane.pb").read_bytes()
    file = tmp_path / "x.xplane.pb"
    file.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(xplane.UnreadableTrace):
        xplane.read(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(xplane.UnreadableTrace, match="No such file"):
        xplane.read(tmp_path / "absent.xplane.pb")


def test_without_tensorflow_the_reader_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    xplane.messages.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    try:
        with pytest.raises(xplane.UnreadableTrace, match="TensorFlow is not installed") as caught:
            xplane.parse(b"\x0a\x00")
    finally:
        xplane.messages.cache_clear()
    assert "install TensorFlow" in caught.value.hint


def test_find_takes_the_newest_run(tmp_path: Path) -> None:
    assert xplane.find(tmp_path) is None
    for run in ("2026_01_02", "2026_01_01"):
        folder = tmp_path / "plugins" / "profile" / run
        folder.mkdir(parents=True)
        (folder / "vm.xplane.pb").write_bytes(b"x")
    os.utime(tmp_path / "plugins/profile/2026_01_01/vm.xplane.pb", ns=(2**62, 2**62))
    assert xplane.find(tmp_path) == tmp_path / "plugins/profile/2026_01_01/vm.xplane.pb"


def test_a_real_trace_is_read_without_tensorflow() -> None:
    trace = real("fused_map_batch")
    assert [plane.name for plane in trace.planes] == ["/host:CPU", "Task Environment"]
    assert trace.epoch_ns == 1_795_454_478_890_379_968
    assert "tensorflow" not in sys.modules
