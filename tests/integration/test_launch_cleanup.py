"""After a kill, the user's next run does not fail on what the first one left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gputune.launch.cleanup import remove_leftovers
from tests.integration.launching import Case

pytestmark = pytest.mark.integration

SOURCE = """
import sys
import tensorflow as tf

data = tf.data.Dataset.range(2000).map(lambda x: tf.ones((10000,))).cache("my cache")
iterator = iter(data)
for _ in range(600):
    next(iterator)
print("filling", flush=True)
if len(sys.argv) > 1:
    input()
"""


def test_the_lock_of_a_file_cache_is_removed_after_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "train.py").write_text(SOURCE)
    environ = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    case = Case(folder=folder, script="train.py", arguments=["wait"], environ=environ)
    case.full = True  # in dry mode the cache would lie in the session's scratch folder
    process = case.start(stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == "filling\n"
    [start] = [event for event in case.events() if event["event"] == "start"]
    (folder / "my cache notes").write_text("somebody else's")
    subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(start["pid"])], check=True)
    process.communicate(timeout=30)
    assert case.ended()["exit_code"] == 137
    left = sorted(path for path in folder.iterdir() if path.name.startswith("my cache"))
    assert len(left) == 3, left

    cleanup = {"event": "cleanup", "path": str(folder / "my cache")}
    removed = remove_leftovers([*case.events(), cleanup])

    assert sorted(removed) == [path for path in left if path.name != "my cache notes"]
    again = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr


PREPARES = """
from pathlib import Path
import tensorflow as tf

if not Path("data").is_dir():
    part = Path("data.part")
    part.mkdir()
    with tf.io.TFRecordWriter(str(part / "0.tfrecord")) as writer:
        writer.write(b"one")
    tf.data.Dataset.range(3).save(str(part / "saved"))
    part.rename("data")
records = tf.data.TFRecordDataset(["data/0.tfrecord"])
print(len(list(records)), len(list(tf.data.Dataset.load("data/saved"))))
"""


def test_data_that_is_prepared_once_in_dry_mode_is_there_for_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "train.py").write_text(PREPARES)
    case = Case(folder=folder, script="train.py", environ={"TF_CPP_MIN_LOG_LEVEL": "3"})
    process = case.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said, _ = process.communicate(timeout=60)
    assert said == "1 3\n"
    assert (folder / "data" / "0.tfrecord").stat().st_size > len(b"one")
    opened = [event["path"] for event in case.events() if event["event"] == "opened"]
    assert str(folder / "data.part" / "0.tfrecord") in opened
