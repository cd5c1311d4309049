from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gputune.session.control import Asked, Asking

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import sys
from gputune.session.control import Asked
asked = Asked(int(sys.argv[1]))
while (order := asked.next()) is not None:
    print(order["n"], flush=True)
print("no more")
"""


def child(asking: Asking) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(asking.fileno)], pass_fds=(asking.fileno,),
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    asking.started()
    return process


def test_orders_arrive_one_after_another_and_the_end_is_seen() -> None:
    asking = Asking()
    process = child(asking)
    for number in range(3):
        assert asking.ask({"n": number, "text": "line\nbreak ü"})
    asking.close()
    out, _ = process.communicate(timeout=20)
    assert out.split("\n") == ["0", "1", "2", "no more", ""]


def test_a_dead_child_is_told() -> None:
    asking = Asking()
    process = child(asking)
    process.kill()
    process.communicate(timeout=20)
    told = [asking.ask({"n": n}) for n in range(3)]
    assert told[-1] is False
    asking.close()


@pytest.mark.parametrize("line", [b"", b'{"n": 1', b"[1]\n"])
def test_what_is_no_order_is_the_end(line: bytes) -> None:
    asking = Asking()
    asked = Asked(os.dup(asking.fileno))
    asking._ours.sendall(line)
    asking.close()
    assert asked.next() is None
