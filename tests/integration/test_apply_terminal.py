"""`gputune apply` on a real pseudo-terminal: what it shows, and what each answer does."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.integration.running import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SCRIPT = (
    "import tensorflow as tf\nds = tf.data.Dataset.range(9).batch(4)\n"
    "model.compile('sgd', 'mse')\nmodel.fit(ds, epochs=1)\n"
)
QUESTION = b"Change these files? [y/N]: "


class Terminal:
    """`gputune apply` as the foreground process of a terminal of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.shown = b""
        self.pid, self._master = pty.fork()
        if self.pid == 0:  # pragma: no cover - the child
            # As a shell starts what stands in the foreground; a job in the background ignores it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(folder)
            os.environ["PYTHONPATH"] = str(ROOT)
            program = [sys.executable, "-m", "gputune", "apply", *options, "train.py"]
            os.execv(sys.executable, program)

    def wait_for(self, text: bytes, times: int = 1) -> None:
        limit = time.monotonic() + 60
        while self.shown.count(text) < times:
            assert time.monotonic() < limit and self._read(), self.shown.decode()

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def exit_code(self) -> int:
        while self._read():
            pass
        os.close(self._master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _read(self) -> bool:
        """Whether there was more to read, and there may be more."""
        if not select.select([self._master], [], [], 60)[0]:
            return False
        try:
            more = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return False
        self.shown += more
        return bool(more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "gputune.toml").write_text("[tf_data]\nprefetch = 4\n")
    return tmp_path


def is_changed(folder: Path) -> bool:
    text = (folder / "train.py").read_text()
    assert text in (SCRIPT, SCRIPT.replace("fit(ds,", "fit(ds.prefetch(4),"))
    backups = list(folder.glob("*gputune-backup"))
    assert len(backups) == (text != SCRIPT)
    return text != SCRIPT


@pytest.mark.parametrize(
    ("keys", "changes", "code"),
    [
        ((b"perhaps\n", b"y\n"), True, 0),
        ((b"n\n",), False, 0),
        ((b"\x04",), False, 0),  # Ctrl-D: no more input
        ((b"\x03",), False, 130),  # Ctrl-C
    ],
    ids=["no answer, then yes", "no", "end of input", "Ctrl-C"],
)
def test_it_shows_the_changes_and_asks(
    folder: Path, keys: tuple[bytes, ...], changes: bool, code: int
) -> None:
    terminal = Terminal(folder)
    for number, answer in enumerate(keys, 1):
        terminal.wait_for(QUESTION, times=number)
        assert not is_changed(folder), "nothing is written before the answer"
        terminal.type(answer)
    assert terminal.exit_code() == code, terminal.shown.decode()
    assert b"+model.fit(ds.prefetch(4), epochs=1)" in terminal.shown
    assert is_changed(folder) == changes
    assert b"Traceback" not in terminal.shown and b"Aborted" not in terminal.shown
    said = b"undo: gputune apply --revert train.py" if changes else b"nothing was changed"
    assert (said in terminal.shown) == (code == 0)
