"""The question itself: is there a GPU, and does TensorFlow see it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gputune.doctor.causes.lines import good, listed, note, problem, warning
from gputune.doctor.causes.visible import shown
from gputune.doctor.machine import Machine
from gputune.schema.finding import Finding, Severity

_MOST_MESSAGES: Final = 4


def seen(machine: Machine) -> Iterator[Finding]:
    """`gpu`: the GPUs that TensorFlow lists; `gpus-missing` where the driver shows it more."""
    names = machine.tensorflow.gpus
    if names:
        count = "1 GPU" if len(names) == 1 else f"{len(names)} GPUs"
        expected = shown(machine)
        yield good("gpu", f"TensorFlow sees {count}: {listed(names)}.")
        # Of instances CUDA gives a process one, however many are shown.
        whole = expected is not None and not any(device.mig for device in expected)
        if expected is not None and whole and len(expected) > len(names):
            yield warning(
                "gpus-missing",
                f"The driver shows this process {len(expected)} GPUs, and TensorFlow lists "
                f"{len(names)}.",
                cure="TensorFlow leaves out a GPU that is much smaller than the largest (set "
                "TF_MIN_GPU_MULTIPROCESSOR_COUNT to take it, too), and one whose compute "
                "capability it was not built for.",
            )
    elif machine.has_gpu:
        tail = "TensorFlow sees none" if names is not None else "TensorFlow was not asked"
        yield note("gpu", f"There is an NVIDIA GPU; {tail}.", *machine.gpu_signs)
    else:
        yield _none(machine)


def _none(machine: Machine) -> Finding:
    """No sign of a GPU is no problem; where one might be hidden, how it would be lent."""
    place = machine.place
    cure = ""
    if place.wsl2:
        cure = (
            "If the PC has an NVIDIA GPU, install NVIDIA's driver on Windows (not inside of "
            "Linux); `wsl --update`, then `wsl --shutdown`, make it known here."
        )
    elif place.container:
        cure = f"If the machine has one, lend it to the container: {lending(place.container)}."
    return note(
        "no-gpu", f"No NVIDIA GPU here: TensorFlow trains on {cores(machine.host.cores)}.",
        cure=cure,
    )  # fmt: skip


def unexplained(machine: Machine, found: Iterable[Finding]) -> Iterator[Finding]:
    """`gpu-not-seen`: TensorFlow lists no GPU, and none of the other causes is why."""
    asked = machine.tensorflow.gpus is not None
    if not machine.has_gpu or machine.sees_gpu or not asked:
        return
    if any(one.severity is Severity.PROBLEM for one in found):
        return
    build = machine.tensorflow.build
    if build is not None and build.rocm:
        return
    counted = machine.cuda.devices
    yield problem(
        "gpu-not-seen",
        "TensorFlow does not see the GPU, and none of the known causes is found.",
        *([] if counted is None else [f"CUDA's own library counts {counted} of them here"]),
        *telling(machine.tensorflow.messages),
        cure="See what TensorFlow says as it starts: TF_CPP_MIN_LOG_LEVEL=0 "
        'TF_CPP_MAX_VLOG_LEVEL=3 python -c "import tensorflow as tf; '
        "tf.config.list_physical_devices('GPU')\".",
    )


def telling(messages: Iterable[str]) -> tuple[str, ...]:
    """The lines of TensorFlow's log that say what is wrong: errors and warnings before others."""
    lines = [line for line in messages if line[:1] in "EWF" and line[1:5].isdigit()]
    about = [line for line in messages if "GPU" in line or "cuda" in line.lower()]
    return tuple(dict.fromkeys([*lines, *about]))[-_MOST_MESSAGES:]


def lending(container: str) -> str:
    """How a container is given a GPU, by what runs it."""
    return {
        "docker": "`docker run --gpus all …` (needs the NVIDIA Container Toolkit on the host)",
        "podman": "`podman run --device nvidia.com/gpu=all …` (needs the NVIDIA Container Toolkit)",
        "kubernetes": "`resources: {limits: {nvidia.com/gpu: 1}}` in the pod",
        "apptainer": "`apptainer exec --nv …`",
    }.get(container, "start it with access to /dev/nvidia* and with the driver's libraries")


def cores(number: float) -> str:
    """`2 cores`, `1 core`, `1.5 cores`."""
    return "1 core" if number == 1 else f"{number:g} cores"
