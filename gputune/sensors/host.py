"""The host and the script's process tree, through psutil (/proc)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import psutil

from gputune.sensors.protocol import HostSample
from gputune.sensors.resources import affinity, usable_cores

_T = TypeVar("_T")
_FAILURES = (psutil.Error, OSError, AttributeError, NotImplementedError)


class PsutilHostSensor:
    """Samples the host and the tree of processes under `pid`.

    CPU time and reads of a process that ends between two samples are lost since the last one.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._root: psutil.Process | None = None
        self._cores = usable_cores()
        self._affinity = affinity()
        self._last_t = time.perf_counter()
        self._host_busy: float | None = None
        self._processes: dict[int, psutil.Process] = {}
        self._cpu_s: dict[int, float] = {}
        self._read: dict[int, int] = {}
        self._read_total = 0
        self._first = True
        self.reasons: dict[str, str] = {}
        self.sample()  # the percentages need a beginning

    def sample(self) -> HostSample:
        """One sample of everything since the last one; see `protocol.HostSample` for the units."""
        since, t = self._last_t, time.perf_counter()
        tree = self._ask("process_cpu_percent", self._tree) or []
        sample = HostSample(
            since=since,
            t=t,
            cpu_percent=self._host_percent(t - since),
            process_cpu_percent=self._tree_percent(tree, t - since),
            rss_bytes=self._rss(tree),
            read_bytes=self._reads(tree),
        )
        self._last_t, self._first = t, False
        return sample

    def _ask(self, metric: str, question: Callable[[], _T]) -> _T | None:
        """The answer, or None with the reason kept."""
        try:
            return question()
        except psutil.NoSuchProcess:
            self.reasons.setdefault(metric, "the process has ended")
        except psutil.AccessDenied:
            self.reasons.setdefault(metric, "no permission to read it under /proc")
        except _FAILURES as error:
            self.reasons.setdefault(metric, str(error) or type(error).__name__)
        return None

    def _tree(self) -> list[psutil.Process]:
        """The process and its descendants, the same objects as last time where they still live."""
        if self._root is None:
            self._root = psutil.Process(self._pid)
        if not self._root.is_running() or self._root.status() == psutil.STATUS_ZOMBIE:
            raise psutil.NoSuchProcess(self._pid)
        return [self._root, *self._root.children(recursive=True)]

    def _host_percent(self, elapsed_s: float) -> float | None:
        def busy() -> float:
            times = psutil.cpu_times(percpu=True)
            usable = [times[core] for core in self._affinity if core < len(times)] or times
            return sum(_busy(one) for one in usable)

        before, self._host_busy = self._host_busy, self._ask("cpu_percent", busy)
        if before is None or self._host_busy is None or elapsed_s <= 0:
            return None
        return _percent(self._host_busy - before, elapsed_s * len(self._affinity))

    def _tree_percent(self, tree: list[psutil.Process], elapsed_s: float) -> float | None:
        used_s, seen = 0.0, False
        for process in tree:
            times = self._each(process, "process_cpu_percent", process.cpu_times)
            if times is None:
                continue
            now = float(times.user + times.system)
            # A process that was not there last time began since then: all its time is new.
            used_s += now - self._cpu_s.get(process.pid, 0.0)
            self._cpu_s[process.pid], seen = now, True
        if not seen or self._first or elapsed_s <= 0:
            return None
        return _percent(used_s, elapsed_s * self._cores)

    def _rss(self, tree: list[psutil.Process]) -> int | None:
        sizes = [
            int(memory.rss)
            for process in tree
            if (memory := self._each(process, "rss_bytes", process.memory_info)) is not None
        ]
        return sum(sizes) if sizes else None

    def _reads(self, tree: list[psutil.Process]) -> int | None:
        seen = False
        for process in tree:
            # Not every system has io_counters: then asking for it is the error.
            counters = self._each(process, "read_bytes", partial(_io_counters, process))
            if counters is None:
                continue
            now, seen = int(counters.read_bytes), True
            before = self._read.get(process.pid, now if self._first else 0)
            self._read_total += max(0, now - before)
            self._read[process.pid] = now
        return self._read_total if seen else None

    def _each(self, process: psutil.Process, metric: str, question: Callable[[], Any]) -> Any:
        """Ask one process; that a child ended meanwhile is no reason to keep."""
        if process.pid == self._pid:
            return self._ask(metric, question)
        try:
            return question()
        except psutil.NoSuchProcess:
            return None
        except _FAILURES:
            return self._ask(metric, question)


def _io_counters(process: psutil.Process) -> Any:
    return process.io_counters()


def _busy(times: Any) -> float:
    """Seconds that a core was busy since boot: not idle, waiting for storage or stolen.

    `guest` times are already inside `user` and `nice`.
    """
    counted = ("user", "nice", "system", "irq", "softirq")
    return sum(float(getattr(times, name, 0.0)) for name in counted)


def _percent(part: float, whole: float) -> float:
    """Clipped to 0…100: the kernel counts in ticks of 10 ms, so short spans overshoot."""
    return min(100.0, max(0.0, 100.0 * part / whole)) if whole > 0 else 0.0
