"""Variables, threads, memory and disks."""

from __future__ import annotations

from typing import Any

import pytest

from gputune.doctor.machine import Disk, Host, Machine
from tests.unit.doctor.machines import (
    GIB,
    H100,
    SECOND,
    all_text,
    every,
    laptop,
    problems,
    the,
    warnings,
    workstation,
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TF_FORCE_GPU_ALLOW_GROWTH", "true", []),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "false", []),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "1", ["growth-not-understood"]),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "True", ["growth-not-understood"]),
        ("TF_GPU_ALLOCATOR", "cuda_malloc_async", []),
        ("TF_GPU_ALLOCATOR", "", []),
        ("TF_GPU_ALLOCATOR", "cuda_malloc", ["allocator-slow"]),
        ("TF_GPU_ALLOCATOR", "memory_guard", ["allocator-slow"]),
        ("TF_GPU_ALLOCATOR", "async", ["allocator-unknown"]),
        ("TF_CPP_MIN_LOG_LEVEL", "3", ["log-level"]),
        ("TF_CPP_MIN_LOG_LEVEL", "2", []),
        ("TF_CPP_MIN_LOG_LEVEL", "x", []),
        ("TF_NUM_INTRAOP_THREADS", "8", []),
        ("TF_NUM_INTRAOP_THREADS", "16", []),
        ("TF_NUM_INTRAOP_THREADS", "17", ["threads-too-many"]),
        ("TF_NUM_INTRAOP_THREADS", "1", ["threads-too-few"]),
        ("TF_NUM_INTEROP_THREADS", "64", ["threads-too-many"]),
        ("TF_NUM_INTEROP_THREADS", "1", []),
        ("OMP_NUM_THREADS", "1", []),
        ("OMP_NUM_THREADS", "4,2", []),
        ("OMP_NUM_THREADS", "64", ["threads-too-many"]),
        ("OMP_NUM_THREADS", "many", ["threads-not-understood"]),
    ],
)
def test_a_variable_is_judged_by_what_tensorflow_makes_of_it(
    name: str, value: str, expected: list[str]
) -> None:
    machine = workstation(variables={name: value})
    assert warnings(machine) == expected
    assert problems(machine) == []
    for found in expected:
        assert f"{name}={value}" in the(machine, found).title


def test_an_allocator_newer_than_the_driver() -> None:
    machine = workstation(
        variables={"TF_GPU_ALLOCATOR": "cuda_malloc_async"}, driver={"cuda_version": (11, 0)}
    )
    assert warnings(machine) == ["allocator-too-new"]


def test_variables_of_the_gpu_are_of_no_interest_without_one() -> None:
    set_to = {"TF_GPU_ALLOCATOR": "x", "TF_FORCE_GPU_ALLOW_GROWTH": "1", "CUDA_VISIBLE_DEVICES": ""}
    machine = laptop(variables=set_to)
    assert warnings(machine) == problems(machine) == []
    assert the(machine, "variables").title == "No variable is in TensorFlow's way."


def host(**changes: Any) -> Machine:
    return laptop(host=changes)


def test_a_quota_below_the_cores_makes_too_many_threads() -> None:
    assert warnings(host(cores=2.0, affinity_cores=64)) == ["quota-below-cores"]
    assert "64 cores" in all_text(the(host(cores=2.0, affinity_cores=64), "quota-below-cores"))
    assert warnings(host(cores=4.0, affinity_cores=8)) == []
    told = laptop(
        host={"cores": 2.0, "affinity_cores": 64}, variables={"TF_NUM_INTRAOP_THREADS": "2"}
    )
    assert warnings(told) == []


def test_one_thread_on_one_core_is_right() -> None:
    machine = laptop(
        host={"cores": 1.0, "affinity_cores": 1}, variables={"TF_NUM_INTRAOP_THREADS": "1"}
    )
    assert warnings(machine) == []


def test_little_memory_is_a_warning() -> None:
    assert warnings(host(available_bytes=GIB)) == ["memory-short"]
    assert warnings(host(available_bytes=None, memory_bytes=None)) == []


def test_small_shared_memory_is_a_warning_with_several_gpus() -> None:
    small = {"shm_bytes": 64 * 2**20}
    assert warnings(laptop(host=small)) == []
    assert "64 MiB" in the(laptop(host=small), "shm-small").title
    two = workstation(
        host=small, driver={"devices": (H100, SECOND)}, tensorflow={"gpus": ("a", "b")},
        place={"container": "docker"},
    )  # fmt: skip
    assert warnings(two) == ["shm-small"]
    assert "--shm-size=1g" in the(two, "shm-small").remedy
    assert the(host(shm_bytes=None), "shm-absent")


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        ({"kind": "ext4"}, []),
        ({"kind": "overlay", "rotating": None}, []),
        ({"kind": "nfs4"}, ["disk-network"]),
        ({"kind": "fuse.gcsfuse"}, ["disk-network"]),
        ({"kind": "fuseblk"}, []),
        ({"kind": "tmpfs"}, []),
        ({"kind": "ext4", "rotating": True}, ["disk-rotating"]),
        ({"kind": "ext4", "free_bytes": 2**29}, ["disk-full"]),
        ({"error": "No such file or directory"}, ["disk-unreadable"]),
    ],
)
def test_a_disk_is_judged_by_its_kind(disk: dict[str, Any], expected: list[str]) -> None:
    known = {"folder": "/data", "free_bytes": 9 * GIB, **disk}
    assert warnings(host(disks=(Disk(**known),))) == expected


def test_a_disk_of_windows_has_its_own_cure() -> None:
    disks = (Disk(folder="/mnt/c/data", kind="9p", free_bytes=9 * GIB),)
    machine = laptop(host={"disks": disks}, place={"wsl2": True})
    assert "below ~" in the(machine, "disk-network").remedy


def test_a_laptop_without_a_gpu_is_told_so_kindly() -> None:
    machine = laptop()
    assert problems(machine) == warnings(machine) == []
    assert the(machine, "no-gpu").title == "No NVIDIA GPU here: TensorFlow trains on 8 cores."
    assert the(machine, "no-gpu").remedy == ""
    in_docker = laptop(place={"container": "docker"})
    assert "docker run --gpus all" in the(in_docker, "no-gpu").remedy
    windows = laptop(place={"wsl2": True})
    assert "driver on Windows" in the(windows, "no-gpu").remedy
    assert problems(windows) == []


def test_every_warning_and_problem_says_what_to_do() -> None:
    machine = workstation(
        variables={"TF_GPU_ALLOCATOR": "x", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "?"},
        host=Host(
            cores=1, affinity_cores=9, available_bytes=1, disks=(Disk(folder="x", error="y"),)
        ),
    )
    found = [one for one in every(machine) if one.severity.value in ("warning", "problem")]
    assert len(found) == 6
    assert all(len(one.remedy) > 10 for one in found)
