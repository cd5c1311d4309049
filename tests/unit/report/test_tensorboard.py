"""The event file, read by TensorBoard's own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gputune.report.event_file import crc32c
from gputune.report.tensorboard import render_tensorboard
from gputune.schema.profile import Profile
from tests.unit.report import sample
from tests.unit.report.hostile import with_texts

proto = pytest.importorskip("tensorboard.compat.proto.event_pb2")


def read(profile: Profile, folder: Path) -> list[Any]:
    """All events of the file; TensorBoard's reader checks length and CRC of each."""
    from tensorboard.compat.tensorflow_stub.errors import OutOfRangeError
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

    path = folder / "events.out.tfevents.1"
    path.write_bytes(render_tensorboard(profile))
    reader, found = PyRecordReader_New(str(path)), []
    while True:
        try:
            reader.GetNext()
        except OutOfRangeError:
            return found
        found.append(proto.Event.FromString(reader.record()))


def texts(events: list[Any]) -> dict[str, str]:
    return {
        value.tag: value.tensor.string_val[0].decode()
        for event in events
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == "text"
    }


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720, appendix B.4: 32 bytes of zeros, of ones, and ascending."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


def test_curves_are_scalars_over_the_milliseconds_of_the_run(tmp_path: Path) -> None:
    events = read(sample.watched_profile(), tmp_path)
    assert events[0].file_version == "brain.Event:2"
    curve = [
        (event.step, event.wall_time - 1785319872, event.summary.value[0].simple_value)
        for event in events
        if [v.tag for v in event.summary.value] == ["gputune/over_time/gpus/0/power_w"]
    ]
    assert len(curve) == 180
    assert curve[0] == (0, 0.0, 420.0)
    assert curve[10][0] == 1000
    assert curve[10][1] == pytest.approx(1.0)


def test_every_figure_is_a_scalar_and_what_has_no_value_is_none(tmp_path: Path) -> None:
    scalars = {
        value.tag: value.simple_value
        for event in read(sample.cpu_profile(), tmp_path)
        for value in event.summary.value
        if event.step == 0 and not value.HasField("tensor")
    }
    assert scalars["gputune/steps/mean_s"] == pytest.approx(0.0419)
    assert scalars["gputune/ceilings/input_samples_per_s"] == pytest.approx(921.0)
    assert scalars["gputune/breakdown/input_wait_s"] == pytest.approx(0.0298)
    assert "gputune/breakdown/h2d_exposed_s" not in scalars


def test_verdict_findings_and_machine_are_texts(tmp_path: Path) -> None:
    said = texts(read(sample.cpu_profile(), tmp_path))
    assert said["gputune/verdict"].startswith("**The input pipeline limits this script: 71%")
    assert "#### problem: The model waits for its input" in said["gputune/findings"]
    assert "- **Do:** Let .map(decode) use every core" in said["gputune/findings"]
    assert "- TensorFlow: 2.21.0" in said["gputune/environment"]


def test_hostile_texts_are_escaped_for_markdown(tmp_path: Path) -> None:
    for text in texts(read(with_texts(sample.cpu_profile()), tmp_path)).values():
        assert "<script" not in text.replace("\\<", "")
        assert all(char.isprintable() or char == "\n" for char in text)
