"""Made-up machines: a laptop without a GPU, a workstation with one, and what may befall them."""

from __future__ import annotations

import dataclasses
from typing import Any

from gputune.doctor.cuda import wanted
from gputune.doctor.diagnose import diagnose
from gputune.doctor.machine import (
    Build,
    Cuda,
    DeviceFile,
    Disk,
    Hardware,
    Host,
    Keras,
    Library,
    Machine,
    Packages,
    PciCard,
    Place,
    TensorFlow,
)
from gputune.schema.finding import Finding, Severity
from gputune.sensors.inventory import Inventory, KnownGpu
from gputune.sensors.visible import Physical

GIB = 2**30
H100 = KnownGpu(
    physical=Physical(index=0, names=("GPU-aaaa1111",), model="NVIDIA H100", speed=9.0),
    name="NVIDIA H100",
    compute_capability=(9, 0),
    memory_total_bytes=80 * GIB,
    memory_used_bytes=GIB // 2,
)
SECOND = dataclasses.replace(
    H100,
    physical=Physical(index=1, names=("GPU-cccc2222",), model="NVIDIA H100", speed=9.0),
    name="NVIDIA H100 (2)",
)
BUILD = Build(
    cuda=True,
    cuda_version="12.5.1",
    cudnn_version="9",
    capabilities=("sm_60", "sm_70", "sm_80", "sm_89", "compute_90"),
)
REQUIREMENTS = (
    "numpy>=1.26.0",
    "protobuf<8.0.0,>=6.31.1",
    "keras>=3.12.0",
    'nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"',
    'something>=9; python_version < "3.0"',
)
INSTALLED = {
    "tensorflow": "2.21.0",
    "numpy": "2.4.6",
    "protobuf": "7.36.2",
    "keras": "3.15.1",
    "nvidia-cudnn-cu12": "9.3.0.75",
}
FILES = tuple(DeviceFile(path=f"/dev/{name}") for name in ("nvidia0", "nvidiactl", "nvidia-uvm"))


def laptop(**parts: Any) -> Machine:
    """No GPU, and nothing amiss."""
    machine = Machine(
        python="3.11.7",
        architecture="x86_64",
        variables={},
        place=Place(cpu_has_avx=True),
        hardware=Hardware(),
        driver=Inventory(
            failure="no NVIDIA driver on this machine (libnvidia-ml.so.1 not found)",
            error="NVMLError_LibraryNotFound",
        ),
        cuda=Cuda(failure="libcuda.so.1: cannot open shared object file"),
        tensorflow=TensorFlow(
            outcome="imported",
            step="keras",
            seconds=3.1,
            exit_code=0,
            version="2.21.0",
            file="/venv/site-packages/tensorflow/__init__.py",
            build=BUILD,
            gpus=(),
        ),
        keras=Keras(version="3.15.1", backend="tensorflow"),
        libraries=None,
        packages=Packages(
            installed=dict(INSTALLED), requirements=REQUIREMENTS, tensorflow="tensorflow"
        ),
        host=Host(
            cores=8.0,
            affinity_cores=8,
            memory_bytes=32 * GIB,
            available_bytes=20 * GIB,
            shm_bytes=16 * GIB,
            disks=(Disk(folder="/home/ana", kind="ext4", rotating=False, free_bytes=99 * GIB),),
        ),
    )
    return having(machine, **parts)


def workstation(**parts: Any) -> Machine:
    """An H100 that TensorFlow sees, and nothing amiss."""
    machine = laptop(
        hardware=Hardware(
            cards=(PciCard(address="0000:1b:00.0", driver="nvidia"),),
            files=FILES,
            module_version="560.35.03",
            counters_for_administrators=False,
        ),
        driver=Inventory(driver_version="560.35.03", cuda_version=(12, 6), devices=(H100,)),
        cuda=Cuda(path="/usr/lib/libcuda.so.560", init_code=0, version=(12, 6), devices=1),
        tensorflow={"gpus": ("NVIDIA H100",), "step": "libraries"},
        libraries=libraries(),
    )
    return having(machine, **parts)


def blind(**parts: Any) -> Machine:
    """The same workstation, where TensorFlow lists no GPU: `parts` say why."""
    return having(workstation(tensorflow={"gpus": ()}), **parts)


def bare_card(**parts: Any) -> Machine:
    """A card on the bus, and no driver at all."""
    return having(
        laptop(hardware={"cards": (PciCard(address="0000:01:00.0"),)}, libraries=libraries()),
        **parts,
    )


def libraries(**changes: Any) -> tuple[Library, ...]:
    """CUDA's libraries in order, from the packages; `changes` by their names without `.so.…`."""
    found = []
    for one in wanted("12.5.1", "9"):
        name = one.file.partition(".")[0]
        made = Library(
            name=one.file,
            path=f"/venv/nvidia/{name}/lib/{one.file}",
            by="packages",
            version=(9, 3, 0) if name == "libcudnn" else None,
        )
        found.append(dataclasses.replace(made, **changes.get(name, {})))
    return tuple(found)


GONE = {"path": "", "by": "", "version": None}


def having(machine: Machine, **parts: Any) -> Machine:
    """The machine with fields of its parts changed: `having(m, place={"wsl2": True})`."""
    changes: dict[str, Any] = {}
    for name, value in parts.items():
        part = getattr(machine, name)
        if name == "variables":
            value = {**part, **value}
        elif isinstance(value, dict) and dataclasses.is_dataclass(part):
            value = dataclasses.replace(part, **value)  # type: ignore[type-var]
        changes[name] = value
    return dataclasses.replace(machine, **changes)


def gpu(**changes: Any) -> KnownGpu:
    """The H100 with changes."""
    return dataclasses.replace(H100, **changes)


def every(machine: Machine) -> list[Finding]:
    """All that is said about a machine; fails where a cause failed."""
    diagnosis = diagnose(machine)
    assert diagnosis.unavailable == ()
    return [finding for section in diagnosis.sections for finding in section.findings]


def problems(machine: Machine) -> list[str]:
    """The ids of its problems."""
    return [one.id for one in every(machine) if one.severity is Severity.PROBLEM]


def warnings(machine: Machine) -> list[str]:
    """The ids of its warnings."""
    return [one.id for one in every(machine) if one.severity is Severity.WARNING]


def the(machine: Machine, name: str) -> Finding:
    """The one finding of that id."""
    (found,) = [one for one in every(machine) if one.id == name]
    return found


def all_text(finding: Finding) -> str:
    """What a reader sees of it."""
    return " ".join([finding.title, *finding.evidence, finding.remedy])
