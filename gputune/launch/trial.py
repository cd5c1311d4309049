"""A script that runs for a trial of the search: nobody's terminal, and never longer than allowed.

Unlike the profiled script it has a process group of its own, so that a Ctrl-C on the terminal
reaches the tuner alone, which lets the running trial end.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from gputune.launch.child import BLOCK_BYTES, Ended, reap
from gputune.launch.command import Target, command_line
from gputune.launch.environment import child_environment
from gputune.session.folder import SessionFolder

TICK_S = 0.1
TAIL_BYTES = 4000
"""Of what a script wrote to its standard error, this much is kept for a trial's record."""


@dataclass(frozen=True, kw_only=True)
class TrialEnded(Ended):
    """How a trial's process ended, and what it used; `signal` may be ours."""

    timed_out: bool
    """It took longer than allowed, and was killed."""
    stderr_tail: str
    """The end of what it wrote to standard error."""


class TrialProcess:
    """One child; as a context manager it is gone at the end, whatever happened.

    Standard input is empty, standard output and error go to the files `log` with the endings
    `.out` and `.err`. Raises OSError where the interpreter cannot be started.
    """

    def __init__(
        self,
        target: Target,
        session: SessionFolder,
        *,
        log: Path,
        extra_environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        python: str = sys.executable,
    ) -> None:
        self._stderr = log.with_suffix(".err")
        self._began_s = time.monotonic()
        with log.with_suffix(".out").open("wb") as out, self._stderr.open("wb") as error:
            self._child = subprocess.Popen(
                command_line(target, python),
                env=child_environment(os.environ, session, extra=extra_environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=error,
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )
        self._ended: TrialEnded | None = None

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def __enter__(self) -> TrialProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def wait(
        self,
        *,
        timeout_s: float,
        until: Callable[[], bool] = lambda: False,
        on_tick: Callable[[], None] = lambda: None,
    ) -> TrialEnded | None:
        """Wait for the child's end, or until `until` is true: None then.

        After `timeout_s` seconds from this call the child and all that it started are killed.
        `on_tick` is called a few times a second; what it raises ends the child and goes on.
        """
        limit = time.monotonic() + timeout_s
        try:
            while self._ended is None:
                usage = reap(self._child)
                if usage is not None:
                    self._ended = self._end(usage, timed_out=False)
                elif until():
                    return None
                elif time.monotonic() >= limit:
                    self._kill_all()
                    _, _, usage = os.wait4(self._child.pid, 0)
                    self._child.returncode = -signal.SIGKILL
                    self._ended = self._end(usage, timed_out=True)
                else:
                    on_tick()
                    time.sleep(TICK_S)
        except BaseException:  # also Ctrl-C: no child is left behind
            self.kill()
            raise
        return self._ended

    def kill(self) -> None:
        """End the child and all that it started, at once; nothing where it has ended."""
        self._kill_all()
        if self._child.returncode is None:
            self._child.wait()

    def _kill_all(self) -> None:
        """The group, and whoever left it; also of a child that has ended, whose workers live on."""
        tree: list[psutil.Process] = []
        if self._child.returncode is None:
            with contextlib.suppress(psutil.Error):
                tree = psutil.Process(self._child.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        for process in tree:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _end(self, usage: resource.struct_rusage, *, timed_out: bool) -> TrialEnded:
        code = self._child.returncode
        by_signal = -code if code < 0 else None
        rss_unit = 1 if sys.platform == "darwin" else 1024
        return TrialEnded(
            exit_code=code if by_signal is None else 128 + by_signal,
            signal=by_signal,
            interrupted=False,
            forced=timed_out,
            timed_out=timed_out,
            duration_s=time.monotonic() - self._began_s,
            cpu_s=usage.ru_utime + usage.ru_stime,
            max_rss_bytes=usage.ru_maxrss * rss_unit,
            storage_read_bytes=usage.ru_inblock * BLOCK_BYTES,
            stderr_tail=tail(self._stderr),
        )


def tail(path: Path, limit: int = TAIL_BYTES) -> str:
    """The last bytes of a text file, from the beginning of a line; nothing where it is gone."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text if size <= limit else text.partition("\n")[2]
