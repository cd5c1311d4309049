"""A child that tells, dies, hangs or fails: what it told is kept, and how it ended is known."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from gputune.doctor.facts.asking import Answer, ask

BEGIN = """
import os, signal, sys, time
from gputune.doctor.facts.asking import Teller
teller = Teller(int(sys.argv[1]))
teller.begin("first")
teller.tell(a=1, b=2)
teller.tell(b=3)
print("on standard output")
print("and error", file=sys.stderr, flush=True)
sys.stdout.flush()
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path) -> Path:
    """A folder in which `child.py` is found as a module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(root))
    return tmp_path / "child.py"


def answer(child: Path, code: str, *arguments: str, timeout_s: float = 100) -> Answer:
    child.write_text(BEGIN + code)
    return ask("child", *arguments, timeout_s=timeout_s, environ=os.environ)


def test_what_is_told_is_merged_and_the_last_step_is_known(child: Path) -> None:
    found = answer(child, 'teller.begin(sys.argv[2])\nteller.tell(c=["ü"])', "second")
    assert found == Answer(
        facts={"a": 1, "b": 3, "c": ["ü"]}, step="second", exit_code=0,
        messages=("on standard output", "and error"),
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGILL])
def test_a_crash_is_its_signal_and_keeps_what_was_told(child: Path, number: int) -> None:
    found = answer(child, f"os.kill(os.getpid(), {int(number)})")
    assert (found.signal, found.exit_code, found.hung) == (number, None, False)
    assert (found.step, dict(found.facts)) == ("first", {"a": 1, "b": 3})


def test_a_child_that_hangs_is_ended_with_what_it_started(child: Path, tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('pid', 'w').write(str(other.pid))\ntime.sleep(600)"
    )
    begun = time.monotonic()
    found = answer(child, code, timeout_s=5)
    assert time.monotonic() - begun < 100
    assert found.hung and found.signal is None and found.exit_code is None
    assert dict(found.facts) == {"a": 1, "b": 3}
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("what the child started is still running")


def test_a_half_line_and_a_traceback_do_no_harm(child: Path) -> None:
    found = answer(
        child, "os.write(int(sys.argv[1]), b'{\"c\": 1')\nraise ValueError('[/x] \\x1b')"
    )
    assert found.exit_code == 1 and dict(found.facts) == {"a": 1, "b": 3}
    assert found.messages[-1] == "ValueError: [/x] \x1b"


def test_a_module_that_is_not_there_is_an_answer(child: Path) -> None:
    found = ask("no_such_module", timeout_s=30, environ=os.environ)
    assert found.exit_code == 1 and found.step == "" and json.dumps(dict(found.facts)) == "{}"
