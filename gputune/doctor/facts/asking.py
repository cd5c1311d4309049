"""Asks a child process, which may crash or hang without doing harm here.

    answer = ask("gputune.doctor.facts.driver_child", "inventory", timeout_s=10, environ=os.environ)

The child is `python -m MODULE FD ARGUMENTS`, so that it finds packages as a script in this folder
would. It tells what it knows as it goes, one JSON object a line, into an unnamed file: what it told
before its end is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

STEP: Final = "step"
_LAST_LINES: Final = 40
_LAST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a child told, and how it ended.

    `facts` are its objects, merged; `step` is what it said last that it was about to do. `signal`
    is set where it died of one, `exit_code` where it did not, neither where it was killed because
    its time was up (`hung`). `messages` are the last lines of its standard error.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    step: str = ""
    hung: bool = False
    signal: int | None = None
    exit_code: int | None = None
    messages: tuple[str, ...] = ()


class Teller:
    """The child's end: writes what it knows, at once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def tell(self, **facts: Any) -> None:
        """Add facts; a later one of the same name replaces the earlier."""
        os.write(self._fd, (json.dumps(facts) + "\n").encode())

    def begin(self, step: str) -> None:
        """Say what comes next, so that a crash is known to be its."""
        self.tell(**{STEP: step})


def ask(module: str, *arguments: str, timeout_s: float, environ: Mapping[str, str]) -> Answer:
    """Run the child and return its answer. Raises OSError where Python cannot be started."""
    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", module, str(told.fileno()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=(told.fileno(),),
            env=dict(environ),
            start_new_session=True,  # so that what it started itself ends with it
        )
        hung = False
        try:
            child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            hung = True
        finally:
            _end(child)
        code = child.returncode
        facts = _facts(told)
        return Answer(
            step=str(facts.pop(STEP, "")),
            facts=facts,
            hung=hung,
            signal=-code if code < 0 and not hung else None,
            exit_code=code if code >= 0 and not hung else None,
            messages=_last_lines(errors),
        )


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's session; a process that the kernel holds is left to it."""
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    try:
        child.wait(2)
    except subprocess.TimeoutExpired:
        child.returncode = -signal.SIGKILL


def _facts(told: IO[bytes]) -> dict[str, Any]:
    told.seek(0)
    facts: dict[str, Any] = {}
    for line in told.read().splitlines():
        with contextlib.suppress(ValueError):  # the line that the child died in
            body = json.loads(line)
            if isinstance(body, dict):
                facts |= body
    return facts


def _last_lines(errors: IO[bytes]) -> tuple[str, ...]:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _LAST_BYTES))
    text = errors.read().decode("utf-8", "replace")
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-_LAST_LINES:]
