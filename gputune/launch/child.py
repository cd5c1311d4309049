"""Starts the script as the shell would, waits for it, and says how it ended."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gputune.launch.command import Target, command_line
from gputune.launch.ending import Ending
from gputune.launch.environment import child_environment
from gputune.launch.signals import Canary, Signals
from gputune.session.folder import SessionFolder

_STDERR = 2
BLOCK_BYTES = 512
"""The kernel counts `ru_inblock` in these, whatever the disk's own block is."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the script ended, and what it used."""

    exit_code: int
    """As a shell shows it: 128 + n where signal n ended the script."""
    signal: int | None
    """The signal that ended the script, or None."""
    interrupted: bool
    """A signal asked gputune to end the script: Ctrl-C, SIGTERM, SIGUSR1 or SIGHUP."""
    forced: bool
    """The script did not end when it was asked, and was ended by SIGTERM or SIGKILL."""
    duration_s: float
    """From the start of its interpreter to its end, wall time."""
    cpu_s: float
    """User and system time, of the script and of the processes that it waited for."""
    max_rss_bytes: int
    """The largest resident set of one process: the script, or one that it waited for."""
    storage_read_bytes: int
    """What came from storage, not from the page cache; with the processes that it waited for."""
    tick_error: str | None = None
    """Why `on_tick` was not called any more, where it raised."""


def launch(
    target: Target,
    session: SessionFolder,
    *,
    extra_environment: Mapping[str, str],
    on_tick: Callable[[], None],
    script_stdout_to_stderr: bool = False,
    python: str = sys.executable,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    tick_s: float = 0.25,
    interrupt_grace_s: float = 10.0,
    kill_grace_s: float = 3.0,
) -> Ended:
    """Run the target to its end, watched by this session's hooks, and call `on_tick` meanwhile.

    The child inherits standard streams, open files, working folder, process group and, with
    `extra_environment` on top, the variables of `environ` (those of this process by default). A
    failing `on_tick` is not called again and is reported; it does not end the script. `home` is
    the folder that the child imports gputune from; how signals end the child, `Ending` says.

    Raises OSError where the interpreter cannot be started, ValueError where gputune's own path
    cannot stand in PYTHONPATH.
    """
    environment = child_environment(
        os.environ if environ is None else environ, session, extra=extra_environment, home=home
    )
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()  # what was said before the script must stand before what it says
    with Signals() as signals, contextlib.ExitStack() as stack:
        canary = Canary() if signals.receiving else None
        if canary is not None:
            stack.callback(canary.close)
        began_s = time.monotonic()
        # close_fds=False: `3<file` and `<(command)` reach the script through gputune.
        child = subprocess.Popen(
            command_line(target, python),
            env=environment,
            stdout=_STDERR if script_stdout_to_stderr else None,
            close_fds=False,
        )
        ending = Ending(
            child.pid,
            heard=lambda number: canary is not None and _reached(child.pid, canary, number),
            interrupt_grace_s=interrupt_grace_s,
            kill_grace_s=kill_grace_s,
        )
        return _supervise(child, began_s, signals, ending, _Ticker(on_tick, tick_s))


def _supervise(
    child: subprocess.Popen[bytes],
    began_s: float,
    signals: Signals,
    ending: Ending,
    ticker: _Ticker,
) -> Ended:
    """Wait for the child's end, passing on signals; leave none of its tree if it was forced."""
    try:
        while (usage := reap(child)) is None:
            ticker.tick_if_due()
            for number in signals.wait(ticker.due_s - time.monotonic()):
                ending.signal(number, time.monotonic())
            ending.step(time.monotonic())
        duration_s = time.monotonic() - began_s
        # The signal that ended the child may have come to us at the same time.
        if signals.wait(0):
            ending.note(time.monotonic())
    except BaseException:  # whatever it is, no child is left behind
        ending.kill()
        child.wait()
        raise
    finally:
        ending.sweep()
    return _ended(child.returncode, usage, ending, duration_s, ticker.error)


class _Ticker:
    """Calls `on_tick` when it is due, until it fails: a sensor must not cost the user the run."""

    def __init__(self, on_tick: Callable[[], None], tick_s: float) -> None:
        self._on_tick = on_tick
        self._tick_s = tick_s
        self.due_s = time.monotonic()
        self.error: str | None = None

    def tick_if_due(self) -> None:
        """Call `on_tick` if its time has come; set when it is due next."""
        if time.monotonic() < self.due_s:
            return
        if self.error is None:
            try:
                self._on_tick()
            except Exception as error:
                self.error = f"{type(error).__name__}: {error}"
        self.due_s = time.monotonic() + self._tick_s


def _reached(pid: int, canary: Canary, number: int) -> bool:
    """Whether the child has got the signal without us."""
    try:
        return os.getpgid(pid) == os.getpgrp() and canary.heard(number)
    except ProcessLookupError:
        return False


def reap(child: subprocess.Popen[bytes]) -> resource.struct_rusage | None:
    """The child's resource usage once it has ended; sets its `returncode`."""
    pid, status, usage = os.wait4(child.pid, os.WNOHANG)
    if pid == 0:
        return None
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _ended(
    returncode: int,
    usage: resource.struct_rusage,
    ending: Ending,
    duration_s: float,
    tick_error: str | None,
) -> Ended:
    by_signal = -returncode if returncode < 0 else None
    rss_unit = 1 if sys.platform == "darwin" else 1024
    return Ended(
        exit_code=returncode if by_signal is None else 128 + by_signal,
        signal=by_signal,
        interrupted=ending.asked,
        forced=ending.forced,
        duration_s=duration_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        max_rss_bytes=usage.ru_maxrss * rss_unit,
        storage_read_bytes=usage.ru_inblock * BLOCK_BYTES,
        tick_error=tick_error,
    )
