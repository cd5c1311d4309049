"""How TensorFlow takes the GPU's memory: all at the start, as it needs it, or by CUDA's pool."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, SetEnvironment, Takes
from gputune.knobs.machine import Machine, machine_of, needs_gpu
from gputune.schema.config import Value
from gputune.schema.profile import Profile

DEFAULT = "default"
GROWTH = "growth"
ASYNC = "cuda_malloc_async"
_WHY = "memory growth and the allocator are the GPU's"


def domain(profile: Profile) -> Domain:
    """All three, on a GPU."""
    reason = needs_gpu(machine_of(profile), _WHY)
    if reason:
        return Domain(reason=reason)
    present = profile.setting("memory_growth")
    return Domain(values=(DEFAULT, GROWTH, ASYNC), was=DEFAULT if present is None else present)


def unsupported(value: Value, machine: Machine) -> str:
    """Only a GPU has it; what TensorFlow does by default can be asked for everywhere."""
    return "" if value == DEFAULT else needs_gpu(machine, _WHY)


KNOB = Knob(
    name="memory_growth",
    table="policy",
    takes_effect="process",
    changes="nothing",
    takes=Takes(words=(DEFAULT, GROWTH, ASYNC)),
    addresses=("memory-unused", "low-head-room"),
    edits=(
        # It outranks what the script itself says to set_memory_growth, both ways.
        SetEnvironment(
            variable="TF_FORCE_GPU_ALLOW_GROWTH",
            values=((DEFAULT, "false"), (GROWTH, "true"), (ASYNC, "true")),
        ),
        SetEnvironment(variable="TF_GPU_ALLOCATOR", values=((ASYNC, ASYNC),)),
    ),
    domain=domain,
    unsupported=unsupported,
    always=True,
)
