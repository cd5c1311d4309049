"""A check's event file, read by TensorBoard's own classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gputune.api.check_exporting import write_check_tensorboard
from gputune.schema.check import CheckReport, CheckRun, LayerRow
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site
from tests.unit.report import sample
from tests.unit.report.hostile import NASTY, with_texts

proto = pytest.importorskip("tensorboard.compat.proto.event_pb2")


def report() -> CheckReport:
    profile = sample.minimal_profile()
    return CheckReport(
        command=replace(profile.command, started_utc="2026-01-02T03:04:05+00:00"),
        script="train.py",
        environment=profile.environment,
        verdict="1 problem: it is wrong.",
        checks=(CheckRun(name="saving", state="found", findings=("load-fails",)),
                CheckRun(name="shapes", state="not-run", reason="no training was seen")),
        findings=(
            Finding(id="load-fails", severity=Severity.PROBLEM, title="It is wrong.",
                    evidence=("TypeError: x",), remedy="Repair *it*.",
                    site=Site(file="/home/me/train.py", line=7)),
            Finding(id="a", severity=Severity.NOTE, title="A note."),
        ),
        style="keras.fit", steps=40, epochs=2,
        layers=(LayerRow(name="a", kind="Dense", output_shapes=((None, 3),), parameters=12),
                LayerRow(name="b", kind="Dense", output_shapes=((None, 1),), parameters=4)),
    )  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """Scalars and texts by their tags; TensorBoard's reader checks length and CRC of each."""
    from tensorboard.compat.tensorflow_stub.errors import OutOfRangeError
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

    reader, found = PyRecordReader_New(str(path)), {}
    while True:
        try:
            reader.GetNext()
        except OutOfRangeError:
            return found
        for value in proto.Event.FromString(reader.record()).summary.value:
            text = value.metadata.plugin_data.plugin_name == "text"
            found[value.tag] = value.tensor.string_val[0].decode() if text else value.simple_value


def test_the_numbers_of_findings_and_layers_are_scalars(tmp_path: Path) -> None:
    found = read(write_check_tensorboard(report(), tmp_path))
    assert {tag: value for tag, value in found.items() if isinstance(value, float)} == {
        "gputune/check/findings/problem": 1, "gputune/check/findings/warning": 0,
        "gputune/check/findings/note": 1, "gputune/check/steps": 40,
        "gputune/check/checks/not_run": 1, "gputune/check/parameters": 16,
    }  # fmt: skip


def test_findings_checks_and_layers_are_texts(tmp_path: Path) -> None:
    found = read(write_check_tensorboard(report(), tmp_path))
    findings = found["gputune/check/findings"]
    assert "#### problem: It is wrong." in findings and "- at train.py:7" in findings
    assert "- TypeError: x" in findings and r"- **Do:** Repair \*it\*." in findings
    assert "| shapes | not run: no training was seen |" in found["gputune/check/checks"]
    assert "| a | Dense | (None, 3) | 12 |" in found["gputune/check/layers"]


def test_a_run_of_its_own_in_the_log_folder(tmp_path: Path) -> None:
    first = write_check_tensorboard(report(), tmp_path)
    second = write_check_tensorboard(report(), tmp_path)
    assert first.parent == second.parent == tmp_path / "train-check-20260102T030405Z"
    assert first != second and first.name.startswith("events.out.tfevents.1767323045.")


def test_hostile_texts_are_escaped_for_markdown(tmp_path: Path) -> None:
    plain = report()
    checks = tuple(replace(c, name=c.name + NASTY, reason=c.reason + NASTY) for c in plain.checks)
    nasty = replace(with_texts(replace(plain, checks=())), checks=checks, command=plain.command)
    for value in read(write_check_tensorboard(nasty, tmp_path)).values():
        if isinstance(value, str):
            assert "<script" not in value.replace("\\<", "")
            assert all(char.isprintable() or char == "\n" for char in value)
