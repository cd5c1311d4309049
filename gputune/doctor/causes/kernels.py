"""Whether TensorFlow was built with kernels for the GPU's compute capability."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gputune.doctor.causes.lines import dotted, good, problem, warning
from gputune.doctor.causes.visible import shown
from gputune.doctor.machine import Machine
from gputune.doctor.requirement import numeric
from gputune.schema.finding import Finding

Capability = tuple[int, int]


def findings(machine: Machine) -> Iterator[Finding]:
    """`kernels` where they are there, `no-kernels`, `kernels-from-ptx`: for each model of GPU."""
    build = machine.tensorflow.build
    if build is None or not build.cuda or not build.capabilities:
        return
    models = {
        device.name: device.compute_capability
        for device in shown(machine) or ()
        if device.compute_capability is not None
    }
    for name, has in models.items():
        yield _of(machine, name, has, build.capabilities)


def _of(machine: Machine, name: str, has: Capability, built: tuple[str, ...]) -> Finding:
    """Machine code serves its own major version from its minor version on; PTX all that is newer.

    As `gpu_device.cc` of TensorFlow looks for them. An entry `compute_90` brings both for 9.0.
    """
    code, ptx = capabilities(built), capabilities(one for one in built if one.startswith("comp"))
    text = f"{name} has compute capability {dotted(has)}"
    listed = f"TensorFlow was built for {', '.join(built)}"
    if any(major == has[0] and minor <= has[1] for major, minor in code):
        return good("kernels", f"{text}, which TensorFlow was built for.")
    if not any(one < has for one in ptx):
        return problem(
            "no-kernels", f"{text}, for which this TensorFlow has no kernels.", listed,
            cure="Install a TensorFlow that was built for it: an older one for an old GPU, a newer "
            "one (or NVIDIA's container) for a new one.",
        )  # fmt: skip
    build, spoken = machine.tensorflow.build, machine.driver.cuda_version
    made_with = numeric(build.cuda_version) if build is not None else None
    if spoken is not None and made_with is not None and spoken < made_with[:2]:
        return problem(
            "no-kernels",
            f"{text}: its kernels are to be compiled from PTX, which this driver is too old for.",
            listed,
            f"the PTX is of CUDA {dotted(made_with)}, the driver speaks {dotted(spoken)}",
            cure="Update the driver.",
        )
    return warning(
        "kernels-from-ptx",
        f"{text}, newer than TensorFlow's kernels: the driver compiles them at their first use.",
        listed,
        "TensorFlow says that it can take 30 minutes or longer; some kernels do not compile",
        cure="Keep what is compiled (CUDA_CACHE_PATH on a disk that stays, CUDA_CACHE_MAXSIZE="
        "4294967296), leave the first run out of measurements, or take a TensorFlow that was built "
        "for this GPU.",
    )


def capabilities(names: Iterable[str]) -> set[Capability]:
    """(9, 0) of `sm_90`, `compute_90` and `sm_90a`."""
    found = (re.fullmatch(r"(?:sm|compute)_(\d+)(\d)[a-z]?", name) for name in names)
    return {(int(one.group(1)), int(one.group(2))) for one in found if one is not None}
