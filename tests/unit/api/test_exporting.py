"""What `gputune profile --chrome` finds in a session that still stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gputune.api.exporting import write_traced_steps
from gputune.api.outputs import OutputFailed
from gputune.session import events
from gputune.session.folder import Options, SessionFolder
from tests.unit.analysis.synthetic import Training
from tests.unit.trace.traces import FOLDER


def session(root: Path, training: Training | None) -> SessionFolder:
    made = SessionFolder(root / "session")
    made.create(Options())
    lines = [json.dumps(event) for event in (training.events if training else [])]
    made.events.write_text("".join(line + "\n" for line in lines))
    return made


def traced(root: Path, *, content: bytes | None) -> Training:
    run = root / "logdir" / "plugins" / "profile" / "1"
    run.mkdir(parents=True)
    if content is not None:
        (run / "vm.xplane.pb").write_bytes(content)
    training = Training().calls(events.CLEAN, 0.1, 0.1)
    return training.write(events.TRACE, logdir=str(root / "logdir"))


def test_the_traced_steps_are_written(tmp_path: Path) -> None:
    content = (FOLDER / "slow_source.xplane.pb").read_bytes()
    path = tmp_path / "trace.json"
    found = session(tmp_path, traced(tmp_path, content=content))
    assert write_traced_steps(found, None, path, force=False) == ""
    names = {event["name"] for event in json.loads(path.read_text())["traceEvents"]}
    assert "IteratorGetNextOp::DoCompute" in names


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("no training", "no training was seen"),
        ("not traced", "the training ended before steps were traced"),
        ("no file", "TensorFlow's profiler wrote no trace"),
        ("damaged", "is no trace of TensorFlow's profiler"),
    ],
)
def test_without_a_trace_the_reason_is_said_and_nothing_is_written(
    case: str, reason: str, tmp_path: Path
) -> None:
    training = {
        "no training": lambda: None,
        "not traced": lambda: Training().calls(events.CLEAN, 0.1),
        "no file": lambda: traced(tmp_path, content=None),
        "damaged": lambda: traced(tmp_path, content=b"\x0a\xff"),
    }[case]()
    path = tmp_path / "trace.json"
    assert reason in write_traced_steps(session(tmp_path, training), None, path, force=False)
    assert not path.exists()


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    content = (FOLDER / "slow_source.xplane.pb").read_bytes()
    path = tmp_path / "trace.json"
    path.write_text("mine")
    with pytest.raises(OutputFailed):
        write_traced_steps(
            session(tmp_path, traced(tmp_path, content=content)), None, path, force=False
        )
    assert path.read_text() == "mine"
