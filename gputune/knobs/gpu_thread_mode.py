"""Threads of the GPU's own to launch its kernels, so that the pipeline does not delay them."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, SetEnvironment, Takes
from gputune.knobs.machine import Machine, machine_of, needs_gpu
from gputune.schema.config import Value
from gputune.schema.profile import Profile

GLOBAL = "global"
PRIVATE = "gpu_private"
_COUNTS = (1, 4)
_WITH_COUNT = tuple((f"{PRIVATE}:{count}", str(count)) for count in _COUNTS)
_WHY = "the threads are those that launch a GPU's kernels"


def domain(profile: Profile) -> Domain:
    """The shared pool, two threads of the GPU's own (TensorFlow's count), and one and four."""
    reason = needs_gpu(machine_of(profile), _WHY)
    if reason:
        return Domain(reason=reason)
    present = profile.setting("gpu_thread_mode")
    values = (GLOBAL, PRIVATE, *(value for value, _ in _WITH_COUNT))
    return Domain(values=values, was=GLOBAL if present is None else present)


def unsupported(value: Value, machine: Machine) -> str:
    """Only a GPU has it; what TensorFlow does by default can be asked for everywhere."""
    return "" if value == GLOBAL else needs_gpu(machine, _WHY)


KNOB = Knob(
    name="gpu_thread_mode",
    table="policy",
    takes_effect="process",
    changes="nothing",
    takes=Takes(words=(GLOBAL, PRIVATE, *(value for value, _ in _WITH_COUNT))),
    addresses=("host-bound", "launch-bound"),
    edits=(
        SetEnvironment(
            variable="TF_GPU_THREAD_MODE",
            values=(
                (GLOBAL, GLOBAL),
                (PRIVATE, PRIVATE),
                *((value, PRIVATE) for value, _ in _WITH_COUNT),
            ),
        ),
        SetEnvironment(variable="TF_GPU_THREAD_COUNT", values=_WITH_COUNT),
    ),
    domain=domain,
    unsupported=unsupported,
)
