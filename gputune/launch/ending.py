"""How the script is asked to end, and how it is made to."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

import psutil

_SAME_S = 0.3
"""Signals this close together are one request: `timeout` signals gputune, then its whole group."""


class Ending:
    """Asks one child to end, then insists.

    The first signal is one Ctrl-C: the child gets SIGINT, unless it has heard the signal itself.
    A second one, or `interrupt_grace_s` seconds without an end, is SIGTERM to the child and all
    that it started; a third, or `kill_grace_s` more seconds, is SIGKILL. Times are those of
    `time.monotonic()`.
    """

    def __init__(
        self,
        pid: int,
        *,
        heard: Callable[[int], bool],
        interrupt_grace_s: float,
        kill_grace_s: float,
    ) -> None:
        self._pid = pid
        self._heard = heard
        self._interrupt_grace_s = interrupt_grace_s
        self._kill_grace_s = kill_grace_s
        self._asked_at: float | None = None
        self._terminated_at: float | None = None
        self._killed = False
        self._tree: list[psutil.Process] = []

    @property
    def asked(self) -> bool:
        """Whether a signal has asked for the end."""
        return self._asked_at is not None

    @property
    def forced(self) -> bool:
        """Whether the child was given more than a Ctrl-C."""
        return self._terminated_at is not None

    def note(self, now: float) -> None:
        """A signal has come, but the child has ended already: say so, and signal nobody."""
        if self._asked_at is None:
            self._asked_at = now

    def signal(self, number: int, now: float) -> None:
        """A signal has come to gputune."""
        if self._asked_at is None:
            self._asked_at = now
            if not self._heard(number):
                self._send(signal.SIGINT)
        elif self._terminated_at is None:
            if now - self._asked_at >= _SAME_S:
                self._terminate(now)
        elif now - self._terminated_at >= _SAME_S:
            self._kill()

    def step(self, now: float) -> None:
        """Insist, where a grace has run out."""
        if self._terminated_at is not None:
            if not self._killed and now - self._terminated_at >= self._kill_grace_s:
                self._kill()
        elif self._asked_at is not None and now - self._asked_at >= self._interrupt_grace_s:
            self._terminate(now)

    def kill(self) -> None:
        """End the child and all that it started, at once."""
        self._kill()

    def sweep(self) -> None:
        """After the child's end: end what it started too, if it was made to end.

        Blocks for up to `kill_grace_s` seconds.
        """
        if not self.forced and not self._killed:
            return
        _, alive = psutil.wait_procs(self._tree, timeout=0 if self._killed else self._kill_grace_s)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def _terminate(self, now: float) -> None:
        self._terminated_at = now
        self._find_tree()
        self._send(signal.SIGTERM)
        for process in self._tree:
            with contextlib.suppress(psutil.Error):
                process.terminate()

    def _kill(self) -> None:
        self._killed = True
        self._find_tree()
        self._send(signal.SIGKILL)
        for process in self._tree:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _find_tree(self) -> None:
        """Remember the descendants while they can be found: they lose their parent with it."""
        with contextlib.suppress(psutil.Error):
            found = psutil.Process(self._pid).children(recursive=True)
            self._tree += [process for process in found if process not in self._tree]
