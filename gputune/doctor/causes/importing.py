"""What importing TensorFlow came to, and why."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.gpu import telling
from gputune.doctor.causes.lines import good, problem, warning
from gputune.doctor.machine import Machine, TensorFlow
from gputune.doctor.requirement import numeric
from gputune.schema.finding import Finding

OLDEST: Final = (2, 18)
"""What gputune's own requirements ask for (pyproject.toml)."""
_STEPS: Final = {
    "start": "Python started",
    "import": "it was imported",
    "build": "it was asked for its build",
    "devices": "it looked for GPUs",
    "keras": "Keras was imported",
    "libraries": "CUDA's libraries were loaded",
}
_FRESH: Final = "Make a fresh environment: python -m venv .venv, then pip install {what}."


def findings(machine: Machine) -> Iterator[Finding]:
    """`tensorflow` where it imports; else why not: absent, raised, crashed, hung."""
    tensorflow = machine.tensorflow
    if tensorflow.outcome == "absent":
        yield _absent(machine)
    elif tensorflow.outcome == "hung":
        yield _hung(tensorflow)
    elif tensorflow.outcome == "crashed":
        yield _crashed(machine)
    elif tensorflow.outcome == "raised":
        yield _raised(machine)
    if tensorflow.version is not None:
        yield from _imported(tensorflow)


def _imported(tensorflow: TensorFlow) -> Iterator[Finding]:
    took = "" if tensorflow.outcome == "hung" else f" in {tensorflow.seconds or 0:.1f} s"
    text = f"TensorFlow {tensorflow.version} imports{took}."
    has = numeric(tensorflow.version)
    if has is not None and has < OLDEST:
        yield warning(
            "tensorflow-old", f"{text} gputune measures 2.18 and newer.",
            cure="pip install --upgrade tensorflow",
        )  # fmt: skip
    elif tensorflow.outcome == "imported":
        yield good("tensorflow", text)


def what_to_install(machine: Machine) -> str:
    """The name to give pip on this machine."""
    return "'tensorflow[and-cuda]'" if machine.has_gpu else "tensorflow"


def _absent(machine: Machine) -> Finding:
    return problem(
        "tensorflow-absent", "TensorFlow is not installed in this Python.",
        f"Python {machine.python}",
        cure=f"pip install {what_to_install(machine)}; or run the gputune of the environment that "
        "the training script runs in.",
    )  # fmt: skip


def _hung(tensorflow: TensorFlow) -> Finding:
    where = _STEPS.get(tensorflow.step, tensorflow.step)
    looking = tensorflow.step in ("devices", "libraries")
    return problem(
        "tensorflow-hangs",
        f"TensorFlow did not come to an end in {tensorflow.seconds or 0:.0f} s: {where}.",
        *telling(tensorflow.messages),
        cure="A GPU that does not answer holds it up: see `nvidia-smi`, and `sudo dmesg | grep -i "
        "-e nvrm -e xid`."
        if looking
        else "From a slow disk (a network one) it may need longer: give --timeout, or keep the "
        "environment on a local disk.",
    )


def _crashed(machine: Machine) -> Finding:
    tensorflow = machine.tensorflow
    if tensorflow.signal == signal.SIGILL and machine.place.cpu_has_avx is False:
        return problem(
            "cpu-without-avx", "TensorFlow needs a processor with AVX, and this one has none.",
            cure="Use another machine, or a TensorFlow that is built for this processor; under "
            "QEMU, `-cpu host` passes AVX on.",
        )  # fmt: skip
    how = f"exit code {tensorflow.exit_code}"
    if tensorflow.signal is not None:
        how = _signal(tensorflow.signal)
    cure = _FRESH.format(what=what_to_install(machine))
    if tensorflow.signal == signal.SIGKILL:
        cure = "The kernel, or the container's limit, ended it for its memory: give it more."
    elif any("XLA_FLAGS" in line for line in tensorflow.messages):
        cure = "Take out of XLA_FLAGS the flag that is not known any more."
    where = _STEPS.get(tensorflow.step, tensorflow.step)
    lines = telling(tensorflow.messages) or tensorflow.messages[-3:]
    return problem(
        "tensorflow-crashes", f"TensorFlow crashes ({how}) while {_while(where)}.",
        *lines, cure=cure,
    )  # fmt: skip


def _while(where: str) -> str:
    """`it was imported` as `it is imported`, which is what happens at each start."""
    return where.replace(" was ", " is ").replace(" were ", " are ").replace("looked", "looks")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# What the error says, the finding, and the cure.
_KNOWN: Final = (
    (
        r"NumPy 1\.x cannot be run in|_ARRAY_API|numpy.core.multiarray failed|numpy.dtype size",
        "It was built for another major version of NumPy.",
        "pip install --upgrade tensorflow, or the NumPy that it asks for (`pip check` names it).",
    ),
    (
        r"[Dd]escriptors? cannot|protobuf|_pb2|google\.protobuf",
        "It does not fit the installed protobuf.",
        "Install the protobuf that it asks for: `pip check` names it.",
    ),
    (
        r"GLIBC(XX)?_\d",
        "It was built for a newer Linux than this one.",
        "Use a newer distribution or container, or the TensorFlow of conda-forge.",
    ),
    (
        r"\.so[.\d]*: (cannot open|undefined symbol)",
        "A library that it needs is missing, or another one.",
        _FRESH,
    ),
    (
        r"failed to map segment|No space left",
        "Its files cannot be read.",
        "See that /tmp and the environment's disk have room, and are not mounted noexec.",
    ),
)


def _raised(machine: Machine) -> Finding:
    tensorflow = machine.tensorflow
    error = tensorflow.error or (tensorflow.messages[-1] if tensorflow.messages else "no reason")
    evidence = [line for line in error.splitlines() if line.strip()][:4]
    if tensorflow.step == "start":
        return problem(
            "python-does-not-start",
            "Python does not start here: TensorFlow was not tried.",
            *evidence,
            cure="A file of this folder with the name of one of Python's own modules (random.py, "
            "json.py, …), or a sitecustomize, keeps it from starting: rename it.",
        )
    if tensorflow.version is not None:
        return problem(
            "tensorflow-fails",
            f"TensorFlow imports, and fails while {_while(_STEPS[tensorflow.step])}.",
            *evidence, cure=_FRESH.format(what=what_to_install(machine)),
        )  # fmt: skip
    if re.search(r"module 'tensorflow'.* has no attribute|partially initialized", error):
        file = tensorflow.file or _file(error)
        return problem(
            "tensorflow-shadowed",
            "Something else than TensorFlow is imported under its name.",
            *evidence, *([f"it is {file}"] if file else []),
            cure="Rename a file or folder called `tensorflow` here (and remove its __pycache__); "
            f"if there is none, its installation is incomplete: pip install --force-reinstall "
            f"{what_to_install(machine)}.",
        )  # fmt: skip
    # NumPy says on standard error what the exception after it does not.
    said = "\n".join([error, *(line for line in tensorflow.messages if "umpy" in line.lower())])
    for pattern, why, cure in _KNOWN:
        if re.search(pattern, said):
            return problem(
                "tensorflow-does-not-import", f"TensorFlow does not import. {why}", *evidence,
                cure=cure.format(what=what_to_install(machine)),
            )  # fmt: skip
    return problem(
        "tensorflow-does-not-import", "TensorFlow does not import.", *evidence,
        cure=_FRESH.format(what=what_to_install(machine)),
    )  # fmt: skip


def _file(error: str) -> str:
    found = re.search(r"\((?:/|consider renaming ')([^)']+)", error)
    return "" if found is None else found.group(1)
