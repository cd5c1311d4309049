from __future__ import annotations

from pathlib import Path

import pytest

from gputune.sensors.resources import memory_limit_bytes, usable_cores, usable_memory_bytes


class Machine:
    """A made-up /sys/fs/cgroup, /proc/self/cgroup and /proc/meminfo."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "cgroup"
        self.root.mkdir()
        self.membership = folder / "membership"
        self.meminfo = folder / "meminfo"

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def cores(self, affinity: int) -> float:
        return usable_cores(allowed=affinity, root=self.root, membership=self.membership)

    def limit(self) -> int | None:
        return memory_limit_bytes(root=self.root, membership=self.membership)

    def memory(self) -> int | None:
        return usable_memory_bytes(root=self.root, membership=self.membership, meminfo=self.meminfo)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_without_cgroups_gives_what_the_mask_allows(machine: Machine) -> None:
    assert machine.cores(8) == 8
    assert machine.limit() is None
    assert machine.memory() is None


def test_version_2_takes_the_narrowest_group_on_the_way_up(machine: Machine) -> None:
    machine.membership.write_text("0::/job/step\n")
    machine.write("job/step/cpu.max", "max 100000")
    machine.write("job/cpu.max", "150000 100000")
    machine.write("cpu.max", "800000 100000")
    machine.write("job/step/memory.max", "max")
    machine.write("job/memory.max", str(3 << 30))
    assert machine.cores(8) == 1.5
    assert machine.cores(1) == 1  # the mask may be the narrower one
    assert machine.limit() == 3 << 30


def test_in_a_container_the_root_speaks_where_the_own_path_is_not_mounted(machine: Machine) -> None:
    machine.membership.write_text("0::/docker/0123456789\n")
    machine.write("cpu.max", "200000 100000")
    machine.write("memory.max", str(2 << 30))
    assert machine.cores(8) == 2
    assert machine.limit() == 2 << 30


def test_a_group_outside_the_containers_root_is_not_looked_for_above_it(machine: Machine) -> None:
    machine.membership.write_text("0::/../../system.slice\n")
    machine.write("cpu.max", "200000 100000")
    (machine.root.parent / "system.slice").mkdir()
    (machine.root.parent / "system.slice" / "cpu.max").write_text("100000 100000")
    assert machine.cores(8) == 2


def test_version_1_reads_its_own_files_per_controller(machine: Machine) -> None:
    machine.membership.write_text("4:memory:/job\n2:cpu,cpuacct:/job\n1:name=systemd:/\n")
    machine.write("cpu,cpuacct/job/cpu.cfs_quota_us", "50000")
    machine.write("cpu,cpuacct/job/cpu.cfs_period_us", "100000")
    machine.write("cpu,cpuacct/cpu.cfs_quota_us", "-1")
    machine.write("cpu,cpuacct/cpu.cfs_period_us", "100000")
    machine.write("memory/job/memory.limit_in_bytes", str(1 << 30))
    machine.write("memory/memory.limit_in_bytes", "9223372036854771712")
    assert machine.cores(8) == 0.5
    assert machine.limit() == 1 << 30


def test_version_1_without_a_limit_is_no_limit(machine: Machine) -> None:
    machine.membership.write_text("4:memory:/\n2:cpu:/\n0::/\n")
    machine.write("cpu/cpu.cfs_quota_us", "-1")
    machine.write("cpu/cpu.cfs_period_us", "100000")
    machine.write("memory/memory.limit_in_bytes", "9223372036854771712")
    assert machine.cores(8) == 8
    assert machine.limit() is None


def test_memory_is_the_smaller_of_machine_and_limit(machine: Machine) -> None:
    machine.membership.write_text("0::/\n")
    machine.meminfo.write_text("MemFree:  1 kB\nMemTotal:       4194304 kB\n")
    assert machine.memory() == 4 << 30
    machine.write("memory.max", str(1 << 30))
    assert machine.memory() == 1 << 30
    machine.write("memory.max", str(16 << 30))
    assert machine.memory() == 4 << 30


def test_damaged_files_are_no_limit(machine: Machine) -> None:
    machine.membership.write_text("nonsense\n0::/\n")
    machine.write("cpu.max", "lots")
    machine.write("memory.max", "lots")
    machine.meminfo.write_text("MemTotal: lots kB\n")
    assert machine.cores(4) == 4
    assert machine.memory() is None


def test_this_machine_has_a_core_and_some_memory() -> None:
    assert usable_cores() > 0
    memory = usable_memory_bytes()
    assert memory is None or memory > 1 << 20
