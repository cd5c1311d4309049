"""The Machine: everything that the causes are looked for in. Frozen, and made up in tests.

None is what was not, or could not be, asked; an empty tuple is that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gputune.sensors.inventory import Inventory

NO_ANSWER: Final = "the driver did not answer"
"""How the failure of a driver begins that hung whoever asked it."""


@dataclass(frozen=True, kw_only=True)
class PciCard:
    """An NVIDIA card on the PCI bus; `driver` is the kernel's that holds it, empty for none."""

    address: str
    driver: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceFile:
    """A device file below /dev; `error` is why it cannot be opened, empty where it can."""

    path: str
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where this process runs."""

    container: str = ""
    """`docker`, `podman`, `kubernetes`, `apptainer`, `lxc` or `container`; empty outside of one."""
    wsl2: bool = False
    wsl_driver: bool = False
    """Whether Windows lends its NVIDIA driver: /usr/lib/wsl/lib/libcuda.so.1."""
    administrator: bool = False
    """Whether this process has CAP_SYS_ADMIN."""
    cpu_has_avx: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What the kernel shows of NVIDIA's hardware, without asking the driver."""

    cards: tuple[PciCard, ...] = ()
    files: tuple[DeviceFile, ...] = ()
    """/dev/nvidia0, …, /dev/nvidiactl, /dev/nvidia-uvm; under WSL2 /dev/dxg."""
    module_version: str | None = None
    """Of the loaded kernel module, from /proc/driver/nvidia/version."""
    counters_for_administrators: bool | None = None
    """RmProfilingAdminOnly of /proc/driver/nvidia/params."""


@dataclass(frozen=True, kw_only=True)
class Cuda:
    """CUDA's driver library, asked by a child: libcuda.so.1 and its cuInit.

    `failure` says why it was not asked: a library that is not found, a child that ended or hung.
    """

    path: str = ""
    init_code: int | None = None
    """What cuInit returned; 0 is success."""
    version: tuple[int, int] | None = None
    """The newest CUDA that the driver speaks: (12, 4)."""
    devices: int | None = None
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Build:
    """What TensorFlow was built for, by `tf.sysconfig.get_build_info()`."""

    cuda: bool = False
    rocm: bool = False
    cuda_version: str | None = None
    cudnn_version: str | None = None
    capabilities: tuple[str, ...] = ()
    """`sm_80`, `compute_90`."""


@dataclass(frozen=True, kw_only=True)
class TensorFlow:
    """What importing TensorFlow, in a child, came to.

    `outcome` is `imported`, `absent`, `raised` (with the exception in `error`), `crashed` (with
    `signal`, or `exit_code`) or `hung` (after `seconds`). `step` is what it was doing: `import`,
    `build`, `devices`, `keras`, `libraries`; a child that ended in a later step has imported.
    """

    outcome: str
    step: str = ""
    seconds: float | None = None
    """Of the import."""
    error: str = ""
    signal: int | None = None
    exit_code: int | None = None
    version: str | None = None
    file: str = ""
    """Where it was imported from."""
    build: Build | None = None
    gpus: tuple[str, ...] | None = None
    """The GPUs that it lists, by name; None where it did not come to that."""
    messages: tuple[str, ...] = ()
    """The last lines that it wrote on standard error."""


@dataclass(frozen=True, kw_only=True)
class Keras:
    """What importing Keras came to, and where its backend was chosen."""

    version: str | None = None
    backend: str | None = None
    error: str = ""
    config_file: str = ""
    config_backend: str | None = None
    config_error: str = ""
    """Why the file cannot be read: Keras then goes on without it, and says nothing."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library that TensorFlow loads, as the loader finds it.

    `path` is empty where it is not found. `error` is the loader's, where it is found and does not
    load. `by` is how it was found: `loaded` (TensorFlow has it in memory), `LD_LIBRARY_PATH`,
    `packages` (the nvidia-* wheels beside TensorFlow) or `system`.
    """

    name: str
    path: str = ""
    by: str = ""
    error: str = ""
    version: tuple[int, ...] | None = None
    """Of cuDNN, as it says itself."""


@dataclass(frozen=True, kw_only=True)
class Packages:
    """The installed distributions, and what TensorFlow's own asks of them."""

    installed: Mapping[str, str] = field(default_factory=dict)
    """Version by normalised name: `nvidia-cudnn-cu12`."""
    requirements: tuple[str, ...] = ()
    """`Requires-Dist` of the TensorFlow distribution, verbatim."""
    tensorflow: str = ""
    """The distribution that brings it: `tensorflow`, `tensorflow-cpu`, `tf-nightly`."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """The file system of a folder."""

    folder: str
    kind: str = ""
    """`ext4`, `nfs4`, as /proc/self/mountinfo has it."""
    rotating: bool | None = None
    free_bytes: int | None = None
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Host:
    """Cores, memory and disks that this process may use."""

    cores: float
    """By affinity mask and cgroup quota."""
    affinity_cores: int
    memory_bytes: int | None = None
    available_bytes: int | None = None
    shm_bytes: int | None = None
    """The size of /dev/shm; None where there is none."""
    disks: tuple[Disk, ...] = ()


def signs_of_gpu(place: Place, hardware: Hardware, driver: Inventory) -> tuple[str, ...]:
    """What shows that there is an NVIDIA GPU, whether or not it can be used."""
    signs = []
    if driver.gpus:
        signs.append(f"the driver lists {', '.join(gpu.name for gpu in driver.gpus)}")
    if hardware.cards:
        where = ", ".join(card.address for card in hardware.cards)
        signs.append(f"an NVIDIA card on the PCI bus, at {where}")
    numbered = [one.path for one in hardware.files if one.path[-1:].isdigit()]
    if numbered:
        signs.append(f"there is {', '.join(numbered)}")
    if hardware.module_version is not None:
        signs.append(f"NVIDIA's kernel module {hardware.module_version} is loaded")
    if place.wsl_driver:
        signs.append("Windows lends its NVIDIA driver")
    return tuple(signs)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """All facts together. `processes` names those that the driver lists, where it can be seen."""

    python: str
    architecture: str
    """`x86_64`, `aarch64`."""
    variables: Mapping[str, str]
    place: Place
    hardware: Hardware
    driver: Inventory
    cuda: Cuda
    tensorflow: TensorFlow
    keras: Keras
    libraries: tuple[Library, ...] | None
    packages: Packages
    host: Host
    processes: Mapping[int, str] = field(default_factory=dict)

    @property
    def gpu_signs(self) -> tuple[str, ...]:
        """What shows that there is an NVIDIA GPU here; empty where nothing does."""
        listed = self.tensorflow.gpus
        by_tensorflow = (f"TensorFlow lists {', '.join(listed)}",) if listed else ()
        return signs_of_gpu(self.place, self.hardware, self.driver) + by_tensorflow

    @property
    def has_gpu(self) -> bool:
        """Whether there is any sign of an NVIDIA GPU."""
        return bool(self.gpu_signs)

    @property
    def sees_gpu(self) -> bool:
        """Whether TensorFlow lists a GPU."""
        return bool(self.tensorflow.gpus)

    def variable(self, name: str) -> str | None:
        """The value of an environment variable, None where it is not set."""
        return self.variables.get(name)
