"""The host's sensor against processes of known behaviour, and the cores that may be used."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from gputune.sensors import host as module
from gputune.sensors.host import PsutilHostSensor
from gputune.sensors.resources import usable_cores

SPIN = "import time\nprint('on', flush=True)\nend = time.time() + 60\nwhile time.time() < end: pass"
CHILD = (
    f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SPIN!r}], stdout=sys.stdout)"
)


def started(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in family:
        one.kill()
    process.communicate()


def test_a_child_of_the_process_counts() -> None:
    process = started(CHILD)
    try:
        sensor = PsutilHostSensor(process.pid)
        time.sleep(0.6)
        sample = sensor.sample()
    finally:
        end(process)
    # One core spins: at most 100 / cores percent, less where the machine is busy.
    most = 100.0 / usable_cores()
    assert sample.process_cpu_percent is not None
    assert 0.1 * most < sample.process_cpu_percent <= 1.1 * most + 1
    assert sample.cpu_percent is not None
    assert 0.0 < sample.cpu_percent <= 100.0
    assert sample.rss_bytes is not None
    assert sample.rss_bytes > 2 * 2**20
    assert sample.t > sample.since
    assert sample.read_bytes is None or sample.read_bytes >= 0


def test_a_process_that_has_ended_gives_none_with_the_reason() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    sensor = PsutilHostSensor(process.pid)
    sample = sensor.sample()
    assert (sample.process_cpu_percent, sample.rss_bytes, sample.read_bytes) == (None, None, None)
    assert sensor.reasons["process_cpu_percent"] == "the process has ended"
    assert sample.cpu_percent is not None


def test_a_metric_that_may_not_be_read_is_missing_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(module, "_io_counters", refuse)
    sensor = PsutilHostSensor(os.getpid())
    sample = sensor.sample()
    assert sample.read_bytes is None
    assert sensor.reasons == {"read_bytes": "no permission to read it under /proc"}
    assert sample.rss_bytes is not None


def test_reads_are_counted_from_the_sensors_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = iter([1000, 1000, 1500, 1700])

    class Counters:
        def __init__(self) -> None:
            self.read_bytes = next(counters)

    monkeypatch.setattr(module, "_io_counters", lambda process: Counters())
    monkeypatch.setattr(psutil.Process, "children", lambda self, recursive: [])
    sensor = PsutilHostSensor(os.getpid())
    assert [sensor.sample().read_bytes for _ in range(3)] == [0, 500, 700]
