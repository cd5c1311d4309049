"""Real processes of plain Python: how a trial's child ends, and that none is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gputune.launch.command import Target
from gputune.launch.trial import TrialEnded, TrialProcess, tail
from gputune.session.folder import Options, SessionFolder

ROOT = Path(__file__).resolve().parents[3]


def started(tmp_path: Path, code: str) -> TrialProcess:
    script = tmp_path / "script.py"
    script.write_text(code)
    session = SessionFolder(tmp_path / "session")
    session.create(Options(trial=True))
    target = Target(script=str(script))
    return TrialProcess(target, session, log=tmp_path / "log", extra_environment={"ADDED": "1"})


def ended(tmp_path: Path, code: str, timeout_s: float = 30.0) -> TrialEnded:
    with started(tmp_path, code) as process:
        found = process.wait(timeout_s=timeout_s)
    assert found is not None
    return found


def test_output_goes_to_files_and_input_is_empty(tmp_path: Path) -> None:
    found = ended(
        tmp_path,
        "import os, sys\nprint(sys.stdin.read(), os.environ['ADDED'])\nraise SystemExit('bye')\n",
    )
    assert (found.exit_code, found.signal, found.timed_out) == (1, None, False)
    assert found.stderr_tail == "bye\n"
    assert (tmp_path / "log.out").read_text() == " 1\n"
    assert found.max_rss_bytes > 1_000_000


def test_a_hang_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    found = ended(tmp_path, code, timeout_s=3.0)
    assert found.timed_out and found.signal == signal.SIGKILL
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        assert not psutil.pid_exists(pid)


def test_a_signal_is_told_as_a_shell_does(tmp_path: Path) -> None:
    found = ended(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    assert (found.exit_code, found.signal) == (128 + signal.SIGSEGV, signal.SIGSEGV)


def test_waiting_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    with started(tmp_path, "import time\ntime.sleep(600)\n") as process:
        assert process.wait(timeout_s=30, until=lambda: True) is None
        assert psutil.pid_exists(process.pid)
        pid = process.pid
    assert not psutil.pid_exists(pid)


def test_what_a_tick_raises_leaves_no_child(tmp_path: Path) -> None:
    process = started(tmp_path, "import time\ntime.sleep(600)\n")

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.wait(timeout_s=30, on_tick=fail)
    assert not psutil.pid_exists(process.pid)


def test_a_trial_dies_with_a_tuner_that_is_killed(tmp_path: Path) -> None:
    """The hook that asks for it is gputune's own, in the child."""
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.unit.launch.test_trial import started\n"
        "code = 'import time\\nprint(1, flush=True)\\ntime.sleep(600)'\n"
        "process = started(Path(sys.argv[1]), code)\n"
        "print(process.pid, flush=True)\nprocess.wait(timeout_s=600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(driver), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    deadline = time.monotonic() + 20
    while not (tmp_path / "log.out").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.kill()
    parent.communicate(timeout=10)
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [("a\nb\n", 100, "a\nb\n"), ("first\nsecond\n", 8, "second\n"), ("", 10, "")],
)
def test_the_end_of_a_file_begins_with_a_line(
    tmp_path: Path, text: str, limit: int, kept: str
) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    assert tail(path, limit) == kept
    assert tail(tmp_path / "absent") == ""
