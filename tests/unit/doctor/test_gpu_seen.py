"""GPUs that are there, and what is not as it should be: parts, memory, kernels, privileges."""

from __future__ import annotations

import pytest

from gputune.schema.finding import Severity
from gputune.sensors.inventory import HeldBy
from gputune.sensors.visible import Physical
from tests.unit.doctor.machines import (
    GIB,
    SECOND,
    all_text,
    every,
    gpu,
    having,
    laptop,
    problems,
    the,
    warnings,
    workstation,
)

PART = gpu(
    physical=Physical(index=None, names=("MIG-dddd",), part_of=0),
    name="NVIDIA H100 MIG 3g.40gb",
    mig=True,
    memory_total_bytes=40 * GIB,
)
TWO = {"devices": (gpu(), SECOND)}


def holding(used: int, *pids: int, **changes: object) -> dict[str, object]:
    held = tuple(HeldBy(pid=pid, bytes=3 * GIB) for pid in pids)
    return {"devices": (gpu(memory_used_bytes=used * GIB, processes=held, **changes),)}


def test_a_well_workstation_has_only_good_lines() -> None:
    found = every(workstation())
    assert {one.severity for one in found} == {Severity.GOOD}
    titles = " ".join(one.title for one in found)
    for expected in (
        "TensorFlow sees 1 GPU: NVIDIA H100.",
        "NVIDIA driver 560.35.03, for CUDA up to 12.6.",
        "Built for CUDA 12.5.1 and cuDNN 9",
        "All 11 of CUDA's libraries load, from the nvidia-* packages.",
        "79.5 GiB of 80 GiB are free.",
        "compute capability 9.0, which TensorFlow was built for",
        "The driver lets everybody use the GPU's counters.",
    ):
        assert expected in titles


def test_what_a_variable_shows_is_said() -> None:
    machine = workstation(driver=TWO, variables={"CUDA_VISIBLE_DEVICES": "1"})
    assert the(machine, "visible-devices").title == (
        "CUDA_VISIBLE_DEVICES=1 shows NVIDIA H100 (2)."
    )


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0,7,1", "7 names no GPU"),
        ("0,0", "0 is there twice"),
        ("0,", "an entry is empty"),
        ("0,GPU-cccc9", "GPU-cccc9 names no GPU"),
    ],
)
def test_an_entry_that_hides_the_rest_is_named(value: str, says: str) -> None:
    machine = workstation(driver=TWO, variables={"CUDA_VISIBLE_DEVICES": value})
    assert warnings(machine) == ["visible-devices-wrong"]
    text = all_text(the(machine, "visible-devices-wrong"))
    assert says in text and "CUDA shows NVIDIA H100 alone" in text
    assert "0 (NVIDIA H100, GPU-aaaa1111), 1 (NVIDIA H100 (2), GPU-cccc2222)" in text


def test_a_gpu_that_tensorflow_leaves_out_is_counted() -> None:
    machine = workstation(driver=TWO)
    assert warnings(machine) == ["gpus-missing"]
    both = having(machine, tensorflow={"gpus": ("NVIDIA H100", "NVIDIA H100 (2)")})
    assert warnings(both) == []
    hidden = having(machine, variables={"CUDA_VISIBLE_DEVICES": "0"})
    assert warnings(hidden) == []


def test_a_divided_gpu_is_said_with_the_part_that_is_given() -> None:
    machine = workstation(
        driver={"devices": (gpu(mig_mode=True), PART)}, tensorflow={"gpus": (PART.name,)}
    )
    assert problems(machine) == warnings(machine) == []
    text = all_text(the(machine, "mig"))
    assert "GPU 0 is divided into NVIDIA H100 MIG 3g.40gb" in text
    assert "here it gives NVIDIA H100 MIG 3g.40gb" in text


def test_of_instances_of_two_gpus_one_is_given_and_none_is_missing() -> None:
    other = gpu(physical=Physical(index=None, names=("MIG-ffff",), part_of=1), name="b", mig=True)
    devices = (gpu(mig_mode=True), PART, SECOND, other)
    machine = workstation(driver={"devices": devices}, tensorflow={"gpus": (PART.name,)})
    assert warnings(machine) == []


def test_a_mig_name_is_understood_and_a_wrong_one_named() -> None:
    devices = {"devices": (gpu(mig_mode=True), PART)}
    seen = {"gpus": (PART.name,)}
    right = {"CUDA_VISIBLE_DEVICES": "MIG-dddd"}
    assert warnings(workstation(driver=devices, variables=right, tensorflow=seen)) == []
    wrong = {"CUDA_VISIBLE_DEVICES": "MIG-eeee"}
    sick = workstation(driver=devices, variables=wrong, tensorflow={"gpus": ()})
    assert problems(sick) == ["visible-devices-wrong"]


def test_memory_that_others_hold_is_a_warning_and_nearly_all_of_it_a_problem() -> None:
    names = {7: "python of ana"}
    free = workstation(driver=holding(8), processes=names)
    assert warnings(free) == problems(free) == []
    some = workstation(driver=holding(9, 7, 8), processes=names)
    assert warnings(some) == ["gpu-memory-held"]
    text = all_text(the(some, "gpu-memory-held"))
    assert "71 GiB of 80 GiB are free" in text
    assert "process 7 (python of ana) holds 3 GiB" in text
    assert "process 8 holds 3 GiB" in text
    full = workstation(driver=holding(73))
    assert problems(full) == ["gpu-memory-held"]
    assert "nvidia-smi` on the host" in the(full, "gpu-memory-held").remedy


def test_memory_of_a_gpu_that_is_not_chosen_is_of_no_interest() -> None:
    full = gpu(memory_used_bytes=79 * GIB)
    machine = workstation(
        driver={"devices": (full, SECOND)}, variables={"CUDA_VISIBLE_DEVICES": "1"}
    )
    assert problems(machine) == []


def test_an_exclusive_gpu_is_a_problem_while_somebody_has_it() -> None:
    assert problems(workstation(driver=holding(1, compute_mode="exclusive"))) == []
    taken = workstation(driver=holding(1, 77, compute_mode="exclusive"))
    assert problems(taken) == ["gpu-exclusive"]
    assert "and has one: 77" in the(taken, "gpu-exclusive").title


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((6, 0), "kernels"),
        ((6, 1), "kernels"),
        ((7, 5), "kernels"),
        ((8, 6), "kernels"),
        ((9, 0), "kernels"),
        ((10, 0), "kernels-from-ptx"),
        ((12, 0), "kernels-from-ptx"),
        ((5, 2), "no-kernels"),
        ((3, 7), "no-kernels"),
    ],
)
def test_kernels_are_those_of_tensorflow_s_own_rule(
    capability: tuple[int, int], expected: str
) -> None:
    machine = workstation(driver={"devices": (gpu(compute_capability=capability),)})
    found = [one.id for one in every(machine) if "kernels" in one.id]
    assert found == [expected]


def test_ptx_of_a_newer_cuda_than_the_driver_s_is_a_problem() -> None:
    old = {"devices": (gpu(compute_capability=(10, 0)),), "cuda_version": (12, 4)}
    assert problems(workstation(driver=old)) == ["no-kernels"]
    assert "the driver speaks 12.4" in all_text(the(workstation(driver=old), "no-kernels"))


def test_a_build_without_ptx_has_no_way_to_a_newer_gpu() -> None:
    build = workstation().tensorflow.build
    assert build is not None
    machine = having(
        workstation(driver={"devices": (gpu(compute_capability=(9, 0)),)}),
        tensorflow={"build": type(build)(cuda=True, cuda_version="12.5.1", cudnn_version="9",
                                         capabilities=("sm_80", "sm_86"))},
    )  # fmt: skip
    assert problems(machine) == ["no-kernels"]


def test_counters_that_are_kept_to_administrators_are_a_warning() -> None:
    kept = {"counters_for_administrators": True}
    assert warnings(workstation(hardware=kept)) == ["profiler-privileges"]
    text = all_text(the(workstation(hardware=kept), "profiler-privileges"))
    assert "NVreg_RestrictProfilingToAdminUsers=0" in text
    assert warnings(workstation(hardware=kept, place={"administrator": True})) == []
    inside = workstation(hardware=kept, place={"container": "docker"})
    assert "--cap-add SYS_ADMIN" in the(inside, "profiler-privileges").remedy
    assert warnings(laptop(hardware=kept)) == []
