"""Ctrl-C and its like: the script is asked once, then made to end, and leaves nobody behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.launching import Case

pytestmark = pytest.mark.integration

# Waits for a first SIGINT, then long enough for a second one to come, and says how many came.
COUNTS = """
import signal, sys, time
hits = []
signal.signal(signal.SIGINT, lambda *_: hits.append(1))
print("ready", flush=True)
end = time.monotonic() + 20
while not hits and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.6)
print(len(hits), flush=True)
sys.exit(7)
"""

# Ignores what it is asked, and has a child of its own.
STUBBORN = """
import signal, subprocess, sys, time
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("ready", other.pid, flush=True)
time.sleep(60)
"""

Start = Callable[..., tuple[Case, "subprocess.Popen[str]", str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Launches a script and waits for its first line; ends it after the test."""
    started = []

    def run(source: str, *arguments: str, how: dict[str, Any] | None = None, **options: Any) -> Any:
        case = write(tmp_path, source, arguments=arguments, options=options)
        process = case.start(start_new_session=True, **(how or {}))
        started.append(process)
        assert process.stdout is not None
        return case, process, process.stdout.readline()

    yield run
    for process in started:
        if process.poll() is not None:
            continue
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.communicate()


def write(folder: Path, source: str, **how: Any) -> Case:
    (folder / "work").mkdir()
    (folder / "work" / "train.py").write_text(textwrap.dedent(source))
    return Case(folder=folder / "work", script="train.py", **how)


def end_of(case: Case, process: subprocess.Popen[str]) -> tuple[str, dict[str, Any]]:
    said, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    return said, case.ended()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP"])
def test_a_signal_to_gputune_alone_is_one_ctrl_c_for_the_script(start: Start, name: str) -> None:
    case, process, _ = start(COUNTS)
    process.send_signal(getattr(signal, name))
    said, ended = end_of(case, process)
    assert said == "1\n"
    assert (ended["exit_code"], ended["interrupted"], ended["forced"]) == (7, True, False)
    assert ended["handlers_restored"]


def test_a_signal_to_the_whole_group_reaches_the_script_once(start: Start) -> None:
    case, process, _ = start(COUNTS)
    os.killpg(process.pid, signal.SIGINT)
    said, ended = end_of(case, process)
    assert (said, ended["exit_code"], ended["interrupted"]) == ("1\n", 7, True)


def test_a_signal_to_gputune_and_then_to_its_group_is_one_request(start: Start) -> None:
    case, process, _ = start(COUNTS)
    process.send_signal(signal.SIGINT)  # as `timeout` does
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    said, ended = end_of(case, process)
    assert (said, ended["exit_code"], ended["forced"]) == ("1\n", 7, False)


def test_a_handler_of_the_script_is_not_disturbed_by_a_signal_that_it_got_itself(
    start: Start,
) -> None:
    source = """
    import os, signal, sys, time
    def save(*_):
        time.sleep(0.6)
        os.write(1, b"saved\\n")  # print may have been what was interrupted
        sys.exit(4)
    signal.signal(signal.SIGTERM, save)
    print("ready", flush=True)
    time.sleep(20)
    """
    case, process, _ = start(source)
    os.killpg(process.pid, signal.SIGTERM)
    said, ended = end_of(case, process)
    assert (said, ended["exit_code"], ended["interrupted"]) == ("saved\n", 4, True)


def test_ctrl_c_at_a_terminal_reaches_the_script_once_and_the_terminal_is_its_own(
    tmp_path: Path,
) -> None:
    source = "import os, sys\n" + COUNTS.replace(
        'print("ready"',
        "print(sys.stdin.isatty(), os.tcgetpgrp(0) == os.getpgrp(), os.ttyname(0) != '')\n"
        'print("ready"',
    )
    case = write(tmp_path, source)
    command, folder = case.launched_command(), case.folder
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(command[0], command)
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while True:
        try:
            said += os.read(terminal, 1000)
        except OSError:  # the terminal's other end is closed
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    assert said.decode().split() == ["True", "True", "True", "ready", "^C1"]
    assert (case.ended()["exit_code"], case.ended()["interrupted"]) == (7, True)


def test_a_script_that_ends_by_the_interrupt_ends_with_130(start: Start) -> None:
    source = "import time\nprint('ready', flush=True)\ntime.sleep(20)"
    case, process, _ = start(source)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    ended = case.ended()
    assert (ended["exit_code"], ended["signal"], ended["interrupted"]) == (130, 2, True)


def test_a_script_that_dies_with_the_group_counts_as_interrupted(start: Start) -> None:
    source = "import signal, time\nsignal.signal(2, signal.SIG_DFL)\nprint(1, flush=True)\n"
    case, process, _ = start(source + "time.sleep(20)")
    os.killpg(process.pid, signal.SIGINT)
    _, ended = end_of(case, process)
    assert (ended["exit_code"], ended["interrupted"], ended["forced"]) == (130, True, False)


@pytest.mark.parametrize(
    ("ignored", "code"), [(["SIGINT"], 143), (["SIGINT", "SIGTERM"], 137)], ids=["term", "kill"]
)
def test_a_script_that_ignores_the_interrupt_is_ended_after_a_grace_with_its_children(
    start: Start, ignored: list[str], code: int
) -> None:
    case, process, line = start(STUBBORN, *ignored, interrupt_grace_s=0.6, kill_grace_s=0.4)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, ended = end_of(case, process)
    took = time.monotonic() - asked
    assert (ended["exit_code"], ended["forced"]) == (code, True)
    assert (0.6 if code == 143 else 1.0) <= took < 6
    assert gone(int(line.split()[1]))


def test_a_second_signal_ends_the_script_at_once(start: Start) -> None:
    case, process, line = start(STUBBORN, "SIGINT", interrupt_grace_s=60)
    process.send_signal(signal.SIGINT)
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    _, ended = end_of(case, process)
    assert (ended["exit_code"], ended["signal"], ended["forced"]) == (143, 15, True)
    assert ended["duration_s"] < 20
    assert gone(int(line.split()[1]))


def test_a_third_signal_kills(start: Start) -> None:
    how = {"interrupt_grace_s": 60, "kill_grace_s": 60}
    case, process, line = start(STUBBORN, "SIGINT", "SIGTERM", **how)
    for _ in range(3):
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.8)
    _, ended = end_of(case, process)
    assert ended["exit_code"] == 137
    assert gone(int(line.split()[1]))


def test_a_child_of_the_script_that_outlives_its_parents_end_is_killed(start: Start) -> None:
    source = STUBBORN.replace("import time;", "import signal, time; signal.signal(15, 1);")
    source = source.replace("time.sleep(60)\n", "time.sleep(0.5)\ntime.sleep(60)\n")
    case, process, line = start(source, "SIGINT", interrupt_grace_s=1, kill_grace_s=0.5)
    process.send_signal(signal.SIGINT)
    _, ended = end_of(case, process)
    assert ended["signal"] == signal.SIGTERM
    deadline = time.monotonic() + 5
    while not gone(int(line.split()[1])) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(int(line.split()[1]))


def test_an_exception_of_gputune_leaves_no_script_behind(start: Start, tmp_path: Path) -> None:
    case = write(tmp_path, "import os, time\nopen('pid', 'w').write(str(os.getpid()))\n")
    script = case.folder / "train.py"
    script.write_text(script.read_text() + "time.sleep(60)\n")
    case.tick = "if Path('pid').exists() and Path('pid').read_text(): raise SystemExit('bug')"
    process = case.start()
    _, errors = process.communicate(timeout=30)
    assert "bug" in errors
    assert gone(int((case.folder / "pid").read_text()))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_ignored_from_the_start_stays_ignored_for_both(
    start: Start, number: signal.Signals
) -> None:
    source = f"""
    import signal, time
    print(signal.getsignal({number.value}), flush=True)
    time.sleep(1)
    """
    how = {"preexec_fn": lambda: signal.signal(number, signal.SIG_IGN)}
    case, process, line = start(source, how=how)
    assert line.strip() in {"1", "Handlers.SIG_IGN"}
    process.send_signal(number)
    _, ended = end_of(case, process)
    assert (ended["exit_code"], ended["interrupted"]) == (0, False)


def test_outside_the_main_thread_the_script_is_run_and_waited_for(tmp_path: Path) -> None:
    case = write(tmp_path, "import sys\nsys.exit(5)")
    command = case.launched_command()
    job = json.loads(command[-1])
    threaded = "import sys, threading\ncode = sys.argv.pop(1)\n"
    threaded += "worker = threading.Thread(target=exec, args=(code, {}))\n"
    threaded += "worker.start(); worker.join()"
    command = [*command[:3], threaded, command[3], json.dumps(job)]
    subprocess.run(command, cwd=case.folder, check=True, timeout=30)
    assert case.ended()["exit_code"] == 5
