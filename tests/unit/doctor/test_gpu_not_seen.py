"""Why TensorFlow does not see a GPU: each cause alone, and named; its near neighbour is not it."""

from __future__ import annotations

from typing import Any

import pytest

from gputune.doctor.machine import NO_ANSWER, Build, DeviceFile, Machine, PciCard
from tests.unit.doctor import machines
from tests.unit.doctor.machines import (
    FILES,
    all_text,
    bare_card,
    blind,
    gpu,
    having,
    laptop,
    problems,
    the,
    warnings,
    workstation,
)

NO_NVML = {"devices": (), "driver_version": None, "cuda_version": None}
NO_LIBCUDA = {"path": "", "init_code": None, "version": None, "failure": "libcuda.so.1: no file"}
NVIDIA = {"cards": (PciCard(address="0000:1b:00.0", driver="nvidia"),), "files": ()}
IN_DOCKER = {"container": "docker"}
WINDOWS = {"wsl2": True, "wsl_driver": True}
WSL_FILES = {"cards": (), "files": (DeviceFile(path="/dev/dxg"),), "module_version": None}
WSL_CUDA = {"path": "/usr/lib/wsl/lib/libcuda.so.1"}


def nvml_fails(error: str, words: str = "it failed") -> dict[str, Any]:
    return {**NO_NVML, "error": error, "failure": words}


CAUSES: dict[str, tuple[str, Machine, Machine, str]] = {
    # name: the problem's id, a machine that has it, one that has not, a word of the cure
    "no driver": ("no-driver", bare_card(), laptop(), "Install NVIDIA's driver"),
    "nouveau": (
        "nouveau",
        bare_card(hardware={"cards": (PciCard(address="0000:01:00.0", driver="nouveau"),)}),
        workstation(),
        "nouveau's place",
    ),
    "module not loaded": (
        "driver-not-loaded",
        bare_card(driver=nvml_fails("NVMLError_DriverNotLoaded")),
        workstation(),
        "modprobe nvidia",
    ),
    "no device file": (
        "no-device-file",
        blind(hardware=NVIDIA, driver=nvml_fails("NVMLError_Unknown")),
        workstation(),
        "nvidia-modprobe",
    ),
    "container without access": (
        "container-without-gpu",
        blind(hardware=NVIDIA, driver=nvml_fails("NVMLError_LibraryNotFound"), place=IN_DOCKER),
        workstation(place=IN_DOCKER),
        "docker run --gpus all",
    ),
    "pod without access": (
        "container-without-gpu",
        bare_card(hardware=NVIDIA, place={"container": "kubernetes"}),
        workstation(place={"container": "kubernetes"}),
        "nvidia.com/gpu",
    ),
    "container on a host without a driver": (
        "no-driver",
        bare_card(place=IN_DOCKER),
        workstation(place=IN_DOCKER),
        "On the container's host",
    ),
    "container without compute": (
        "container-without-cuda",
        blind(
            cuda=NO_LIBCUDA, place=IN_DOCKER,
            variables={"NVIDIA_DRIVER_CAPABILITIES": "utility"},
        ),
        workstation(place=IN_DOCKER, variables={"NVIDIA_DRIVER_CAPABILITIES": "all"}),
        "compute,utility",
    ),
    "no permission": (
        "device-permission",
        blind(
            hardware={"files": tuple(
                DeviceFile(path=one.path, error="Permission denied") for one in FILES
            )},
            driver=nvml_fails("NVMLError_NoPermission"),
        ),
        workstation(),
        "video",
    ),
    "updated without a restart": (
        "driver-mismatch",
        blind(driver=nvml_fails("NVMLError_LibRmVersionMismatch"), cuda={"init_code": 803}),
        workstation(),
        "Restart",
    ),
    "driver hangs": (
        "driver-hangs",
        blind(driver=nvml_fails("", f"{NO_ANSWER} within 20 s"), cuda=NO_LIBCUDA),
        workstation(),
        "dmesg",
    ),
    "driver fails otherwise": (
        "driver-failing",
        blind(driver=nvml_fails("NVMLError_Unknown", "NVML does not start: Unknown Error")),
        workstation(),
        "nvidia-smi",
    ),
    "no memory device": (
        "no-uvm",
        blind(hardware={"files": FILES[:2]}, cuda={"init_code": 999}),
        workstation(),
        "nvidia-modprobe -u",
    ),
    "driver's libraries removed": (
        "no-driver-library",
        blind(cuda=NO_LIBCUDA),
        workstation(),
        "ldconfig",
    ),
    "driver too old": (
        "driver-too-old",
        blind(driver={"driver_version": "470.82.01", "cuda_version": (11, 4)},
              cuda={"version": (11, 4)}),
        workstation(driver={"driver_version": "525.60.13", "cuda_version": (12, 0)}),
        "525",
    ),
    "driver too old for CUDA 13": (
        "driver-too-old",
        having(
            blind(libraries=None),
            tensorflow={"build": Build(cuda=True, cuda_version="13.0.0", cudnn_version="9")},
        ),
        workstation(),
        "580",
    ),
    "fabric manager": (
        "cuda-does-not-start", blind(cuda={"init_code": 802}), workstation(), "fabricmanager",
    ),
    "compat folder": (
        "cuda-does-not-start", blind(cuda={"init_code": 804}), workstation(), "compat",
    ),
    "unknown code": (
        "cuda-does-not-start", blind(cuda={"init_code": 714}), workstation(), "dmesg",
    ),
    "wsl2 with a Linux driver": (
        "wsl2-linux-driver",
        blind(place=WINDOWS, hardware=WSL_FILES, cuda={"path": "/usr/lib/x/libcuda.so.550"}),
        workstation(place=WINDOWS, hardware=WSL_FILES, cuda=WSL_CUDA),
        "apt purge",
    ),
    "wsl2 off the loader's path": (
        "wsl2-library-not-found",
        blind(place=WINDOWS, hardware=WSL_FILES, cuda=NO_LIBCUDA),
        workstation(place=WINDOWS, hardware=WSL_FILES, cuda=WSL_CUDA),
        "/usr/lib/wsl/lib",
    ),
    "wsl1": (
        "no-device-file",
        blind(place=WINDOWS, hardware={**WSL_FILES, "files": ()}, cuda=WSL_CUDA),
        workstation(place=WINDOWS, hardware=WSL_FILES, cuda=WSL_CUDA),
        "wsl --update",
    ),
    "cpu-only build": (
        "cpu-only-build",
        blind(tensorflow={"build": Build()}, packages={"tensorflow": "tensorflow-cpu"}),
        workstation(),
        "pip uninstall tensorflow-cpu",
    ),
    "hidden by an empty variable": (
        "gpus-hidden",
        blind(variables={"CUDA_VISIBLE_DEVICES": ""}, cuda={"init_code": 100}),
        workstation(variables={"CUDA_VISIBLE_DEVICES": "0"}),
        "Unset CUDA_VISIBLE_DEVICES",
    ),
    "hidden by -1": (
        "gpus-hidden",
        blind(variables={"CUDA_VISIBLE_DEVICES": "-1"}, cuda={"init_code": 100}),
        workstation(variables={"CUDA_VISIBLE_DEVICES": "GPU-aaaa"}),
        "Unset CUDA_VISIBLE_DEVICES",
    ),
    "hidden by Slurm": (
        "gpus-hidden",
        blind(variables={"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, cuda={"init_code": 100}),
        workstation(),
        "--gres=gpu:1",
    ),
    "cpu-only build on ARM": (
        "cpu-only-build",
        blind(tensorflow={"build": Build()}, architecture="aarch64"),
        workstation(architecture="aarch64"),
        "NVIDIA's container",
    ),
    "a number too high": (
        "visible-devices-wrong",
        blind(variables={"CUDA_VISIBLE_DEVICES": "1"}, cuda={"init_code": 100}),
        workstation(variables={"CUDA_VISIBLE_DEVICES": "0"}),
        "nvidia-smi -L",
    ),
    "another GPU's UUID": (
        "visible-devices-wrong",
        blind(variables={"CUDA_VISIBLE_DEVICES": "GPU-bbbb"}, cuda={"init_code": 100}),
        workstation(variables={"CUDA_VISIBLE_DEVICES": "GPU-aaaa1111"}),
        "nvidia-smi -L",
    ),
    "MIG without an instance": (
        "mig-without-instance",
        blind(driver={"devices": (gpu(mig_mode=True),)}, cuda={"init_code": 100}),
        workstation(),
        "nvidia-smi mig -cgi",
    ),
    "prohibited": (
        "gpu-prohibited",
        blind(driver={"devices": (gpu(compute_mode="prohibited"),)}, cuda={"init_code": 100}),
        workstation(),
        "nvidia-smi -c 0",
    ),
    "no kernels for an old GPU": (
        "no-kernels",
        blind(driver={"devices": (gpu(compute_capability=(5, 2), name="GTX 970"),)}),
        workstation(driver={"devices": (gpu(compute_capability=(6, 1), name="GTX 1080"),)}),
        "older one for an old GPU",
    ),
    "none of the known": ("gpu-not-seen", blind(), workstation(), "TF_CPP_MAX_VLOG_LEVEL"),
}  # fmt: skip


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_the_one_problem_and_its_cure_is_named(name: str) -> None:
    expected, sick, _, word = CAUSES[name]
    assert problems(sick) == [expected]
    assert word in all_text(the(sick, expected))
    assert the(sick, expected).remedy


@pytest.mark.parametrize("name", CAUSES)
def test_its_near_neighbour_is_well(name: str) -> None:
    assert problems(CAUSES[name][2]) == []
    assert warnings(CAUSES[name][2]) == []


def test_what_is_there_is_said_before_why_it_is_not_seen() -> None:
    text = all_text(the(blind(variables={"CUDA_VISIBLE_DEVICES": ""}), "gpu"))
    assert "There is an NVIDIA GPU; TensorFlow sees none." in text
    assert "the driver lists NVIDIA H100" in text
    assert "NVIDIA card on the PCI bus, at 0000:1b:00.0" in text


def test_a_card_for_a_virtual_machine_is_only_a_warning() -> None:
    card = PciCard(address="0000:01:00.0", driver="vfio-pci")
    machine = bare_card(hardware={"cards": (card,)})
    assert warnings(machine) == ["card-passed-on"]


def test_a_compatibility_package_that_starts_makes_an_old_driver_do() -> None:
    old = {"driver_version": "470.82.01", "cuda_version": (12, 5)}
    assert problems(blind(driver=old, cuda={"version": (12, 5), "init_code": 0})) == [
        "gpu-not-seen"
    ]


def test_a_driver_of_an_older_minor_version_is_told_and_is_no_problem() -> None:
    machine = workstation(driver={"driver_version": "535.54.03", "cuda_version": (12, 2)})
    assert problems(machine) == [] and warnings(machine) == []
    assert "CUDA up to 12.2" in the(machine, "driver-older-than-build").title


def test_a_permission_that_cuda_does_not_need_is_not_complained_of() -> None:
    files = (*FILES, DeviceFile(path="/dev/nvidia1", error="Permission denied"))
    assert problems(workstation(hardware={"files": files})) == []


def test_two_causes_are_both_named() -> None:
    machine = blind(
        libraries=machines.libraries(libcudnn=machines.GONE),
        variables={"CUDA_VISIBLE_DEVICES": "7"},
    )
    assert problems(machine) == ["visible-devices-wrong", "library-missing"]


def test_without_nvml_a_hidden_gpu_is_found_all_the_same() -> None:
    machine = blind(
        driver=nvml_fails("ModuleNotFoundError", "the package nvidia-ml-py is not installed"),
        variables={"CUDA_VISIBLE_DEVICES": ""},
        cuda={"init_code": 100},
    )
    assert problems(machine) == ["gpus-hidden"]


def test_a_rocm_build_is_left_alone() -> None:
    machine = bare_card(tensorflow={"build": Build(rocm=True)}, hardware={"cards": ()})
    assert problems(machine) == []
    assert "ROCm" in the(machine, "rocm-build").title
