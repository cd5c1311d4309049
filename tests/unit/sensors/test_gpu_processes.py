"""Who on a GPU is none of the script's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gputune.sensors.gpu_processes import (
    FOREIGN,
    NO_SIZES,
    Family,
    GpuProcesses,
    in_initial_namespace,
)
from gputune.sensors.nvml_devices import Device
from gputune.sensors.nvml_errors import NO_PERMISSION, OLD_DRIVER, Asker
from gputune.sensors.visible import Physical
from tests.unit.sensors import fake_nvml
from tests.unit.sensors.fake_nvml import FakeNvml, refuse

DEVICE = Device(
    physical=Physical(index=0, names=()), handle="GPU", chip="GPU", name="Fake", uuid=None
)
SCRIPT = {1, 2}
COMPUTE, GRAPHICS = "nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses"


def running(**pids: int | None) -> Any:
    """A function that lists `p3=100`: process 3 with 100 bytes."""
    listed = [SimpleNamespace(pid=int(name[1:]), usedGpuMemory=size) for name, size in pids.items()]
    return lambda handle: listed


def read(nvml: FakeNvml, *, at_home: bool = True, here: set[int] | None = None) -> Any:
    """(metric -> value, reasons) of one look."""
    exists = (lambda pid: True) if here is None else here.__contains__
    asker = Asker()
    processes = GpuProcesses(SCRIPT.__contains__, exists=exists, at_home=at_home)
    found = processes.read(nvml, 0, DEVICE, asker)
    return {one.metric: one.point.value for one in found}, asker.reasons


def test_processes_of_the_script_are_left_out_and_nobody_counts_twice() -> None:
    nvml = FakeNvml(**{COMPUTE: running(p1=5, p3=100), GRAPHICS: running(p3=100, p4=20)})
    assert read(nvml) == ({"other_processes": 2, "other_processes_bytes": 120}, {})


def test_alone_on_the_gpu_is_none_and_not_unknown() -> None:
    nvml = FakeNvml(**{COMPUTE: running(p1=5), GRAPHICS: running()})
    assert read(nvml) == ({"other_processes": 0, "other_processes_bytes": 0}, {})


def test_sizes_that_the_driver_does_not_know_leave_the_number() -> None:
    nvml = FakeNvml(**{COMPUTE: running(p3=None, p4=9), GRAPHICS: running()})
    assert read(nvml) == ({"other_processes": 2}, {"other_processes_bytes": NO_SIZES})


def test_numbers_of_another_container_are_unknown_and_said_to_be() -> None:
    nvml = FakeNvml(**{COMPUTE: running(p3=1, p4=2), GRAPHICS: running()})
    found, reasons = read(nvml, at_home=False, here={4})
    assert found == {}
    assert reasons == dict.fromkeys(("other_processes", "other_processes_bytes"), FOREIGN)


def test_where_the_script_itself_is_listed_the_numbers_are_ours() -> None:
    nvml = FakeNvml(**{COMPUTE: running(p1=1, p3=2), GRAPHICS: running()})
    assert read(nvml, at_home=False, here={1})[0] == {
        "other_processes": 1, "other_processes_bytes": 2,
    }  # fmt: skip


def test_at_home_a_number_without_a_process_has_just_ended() -> None:
    nvml = FakeNvml(**{COMPUTE: running(p3=1, p4=2), GRAPHICS: running()})
    assert read(nvml, here={4})[0] == {"other_processes": 1, "other_processes_bytes": 2}


def test_an_older_version_of_the_list_is_asked_for_where_the_newest_is_missing() -> None:
    nvml = FakeNvml(
        **{
            COMPUTE: refuse(fake_nvml.NVMLLibraryMismatchError),
            GRAPHICS: refuse(fake_nvml.NVMLLibraryMismatchError),
            f"{COMPUTE}_v2": running(p3=7),
            f"{GRAPHICS}_v2": running(),
        }
    )
    assert read(nvml)[0] == {"other_processes": 1, "other_processes_bytes": 7}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (fake_nvml.NVMLError_NoPermission, NO_PERMISSION),
        (fake_nvml.NVMLLibraryMismatchError, OLD_DRIVER),
    ],
)
def test_a_list_that_is_not_given_is_unknown(error: type[Exception], reason: str) -> None:
    nvml = FakeNvml(
        **{COMPUTE: refuse(error), f"{COMPUTE}_v2": refuse(fake_nvml.NVMLError_FunctionNotFound)}
    )
    found, reasons = read(nvml)
    assert found == {}
    assert reasons == dict.fromkeys(("other_processes", "other_processes_bytes"), reason)


def test_descendants_belong_to_the_family_and_ancestors_do_not() -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\ninput()\nchild.communicate(b'\\n')"
    )
    script = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert script.stdout is not None
    grandchild = int(script.stdout.readline())
    family = Family(script.pid)
    try:
        belongs = [family.has(pid) for pid in (script.pid, grandchild, os.getpid(), 1)]
    finally:
        script.communicate(b"\n")
    assert belongs == [True, True, False, False]
    assert family.has(grandchild)  # as it was, after its end


def test_a_container_has_another_namespace_than_the_machine(tmp_path: Path) -> None:
    link = tmp_path / "pid"
    link.symlink_to("pid:[4026531836]")  # every Linux kernel's first one
    assert in_initial_namespace(link)
    link.unlink()
    link.symlink_to("pid:[4026532799]")
    assert not in_initial_namespace(link)
    assert not in_initial_namespace(tmp_path / "none")
