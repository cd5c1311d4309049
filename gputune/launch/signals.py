"""Signals that come to gputune while the script runs, and whether the script got them too."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from types import FrameType, TracebackType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
"""The signals that ask gputune to end the script. Batch systems send SIGTERM or SIGUSR1."""

_HEARD_WITHIN_S = 0.2
"""A signal to a whole group reaches all of it at once; this is for a scheduler that is busy."""

_POLL_S = 0.05
"""How often to look for the child's end where signals cannot be received."""


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """The handler of every signal here: the wake-up pipe carries its number."""


class Signals:
    """Receives signals as numbers to read, for as long as the context lasts.

    A signal that was ignored when gputune started (`nohup`, a job in the background) stays
    ignored, in the child as well. Outside the main thread Python cannot receive signals: then
    nothing is received, and `wait` only waits.
    """

    def __init__(self) -> None:
        self.receiving = False
        self._previous: dict[int, signal._HANDLER] = {}
        self._previous_fd = -1
        self._reader = self._writer = -1

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (*ENDING, signal.SIGCHLD):
            previous = signal.getsignal(number)
            ignored = previous is signal.SIG_IGN and number != signal.SIGCHLD
            # None is a handler that Python did not set and could not set again.
            if previous is not None and not ignored:
                self._previous[number] = signal.signal(number, _nothing)
        self.receiving = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.receiving:
            return
        self.receiving = False
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        signal.set_wakeup_fd(self._previous_fd)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, timeout_s: float) -> list[int]:
        """The `ENDING` signals that came, after at most `timeout_s`; sooner when a child ends."""
        if not self.receiving:
            time.sleep(min(timeout_s, _POLL_S))
            return []
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(max(0.0, timeout_s) * 1000)
        with contextlib.suppress(BlockingIOError):
            return [number for number in os.read(self._reader, 512) if number in ENDING]
        return []


class Canary:
    """Tells whether a signal that came to gputune went to the whole process group.

    Ctrl-C, `kill -- -PGID` and `timeout` reach the script as well as gputune; `kill PID` does not,
    and then gputune must pass it on. Nothing about a received signal says which it was, and a
    script that gets two Ctrl-C may lose what it saves after the first. So a third process, a `cat`
    that waits for nothing, stands in the group: if the signal ended it, the script has it too.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):
            # close_fds: a copy of the user's pipes in here would keep them open.
            self._process = subprocess.Popen(
                ["cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def heard(self, number: int) -> bool:
        """Whether the signal went to the whole group. Blocks for up to 0.2 s; for one signal."""
        if self._process is None:
            return number == signal.SIGINT and _in_foreground()
        try:
            return self._process.wait(_HEARD_WITHIN_S) == -number
        except subprocess.TimeoutExpired:
            return False

    def close(self) -> None:
        """End the `cat`; it ends by itself, at the end of its input, where gputune is killed."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.kill()  # it may be stopped, and would not see the end of its input
            self._process.wait()


def _in_foreground() -> bool:
    """Whether Ctrl-C at the terminal reaches this process group; the best guess without `cat`."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
