"""What TensorFlow was built for."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.doctor.causes.lines import good, listed, note, problem, warning
from gputune.doctor.facts.packages import TENSORFLOWS
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding


def findings(machine: Machine) -> Iterator[Finding]:
    """`build`, `cpu-only-build`, `rocm-build`; `two-tensorflows` where packages share its files."""
    yield from _several(machine)
    build = machine.tensorflow.build
    if build is None:
        return
    if build.rocm:
        yield note("rocm-build", "Built for AMD's ROCm, whose GPUs are not examined here.")
    elif build.cuda:
        cudnn = f" and cuDNN {build.cudnn_version}" if build.cudnn_version else ""
        kernels = (
            f", with kernels for {', '.join(build.capabilities)}" if build.capabilities else ""
        )
        yield good("build", f"Built for CUDA {build.cuda_version or '(unknown)'}{cudnn}{kernels}.")
    elif machine.has_gpu:
        name = machine.packages.tensorflow
        yield problem(
            "cpu-only-build", "This TensorFlow was built without CUDA: it cannot use the GPU.",
            *([f"it is the package {name}"] if name else []),
            cure=f"pip uninstall {name or 'tensorflow'}, then pip install 'tensorflow[and-cuda]'."
            if machine.architecture == "x86_64"
            else "PyPI's packages have CUDA for x86_64 alone: take NVIDIA's container "
            "(nvcr.io/nvidia/tensorflow), or conda-forge's tensorflow.",
        )  # fmt: skip
    else:
        yield good("build", "Built for the CPU alone.")


def _several(machine: Machine) -> Iterator[Finding]:
    there = [name for name in TENSORFLOWS if name in machine.packages.installed]
    if len(there) > 1:
        yield warning(
            "two-tensorflows",
            f"{listed(there)} are installed together, and overwrite each other's files.",
            cure=f"pip uninstall {' '.join(there)}, then install the one that is wanted.",
        )
