"""The type that layers compute in: Keras' global dtype policy."""

from __future__ import annotations

from gputune.knobs.knob import Domain, Knob, SetPolicy, Takes
from gputune.knobs.machine import Machine, machine_of
from gputune.knobs.places import trains_with_fit
from gputune.schema.config import Value
from gputune.schema.profile import Profile

FLOAT32 = "float32"
FLOAT16 = "mixed_float16"
BFLOAT16 = "mixed_bfloat16"
_FLOAT16_SINCE = (7, 0)
_BFLOAT16_SINCE = (8, 0)
"""Tensor cores: for float16 since Volta, for bfloat16 since Ampere (NVIDIA's CUDA C++ Programming
Guide, «Compute Capabilities»). Without them half precision is slower, if it works."""


def unsupported(value: Value, machine: Machine) -> str:
    """Why the devices do not compute in this type, as far as they are known."""
    if value == FLOAT16 and not machine.gpus:
        return "no NVIDIA GPU is seen, and a CPU has no fast float16 (mixed_bfloat16 may be)"
    since = {FLOAT16: _FLOAT16_SINCE, BFLOAT16: _BFLOAT16_SINCE}.get(str(value))
    found = machine.compute_capability
    if since is None or found is None or not machine.gpus or found >= since:
        return ""
    return (
        f"the GPU has compute capability {found[0]}.{found[1]}, "
        f"and {value} needs {since[0]}.{since[1]}"
    )


def domain(profile: Profile) -> Domain:
    """What the device supports.

    Never mixed_float16 in a loop or a `train_step` written by hand: whether that scales its loss
    cannot be seen, and where it does not, small gradients become zero. On a CPU bfloat16 is tried:
    whether the processor has instructions for it shows in the measurement.
    """
    was = profile.setting("mixed_precision")
    machine = machine_of(profile)
    values = [v for v in (FLOAT32, FLOAT16, BFLOAT16) if not unsupported(v, machine)]
    whose = _whose_step(profile)
    if whose and FLOAT16 in values:
        values.remove(FLOAT16)
    if profile.environment.keras is None:
        return Domain(was=was, reason="the script has no layers of Keras', whose policy it is")
    if len(values) == 1:
        return Domain(was=was, reason=unsupported(BFLOAT16, machine))
    unscaled = f"whether {whose} scales its loss for it cannot be seen"
    return Domain(values=tuple(values), was=was, withheld={FLOAT16: unscaled} if whose else {})


def _whose_step(profile: Profile) -> str:
    """What of the script's own makes the gradients; nothing where Keras does."""
    if not trains_with_fit(profile):
        return "a loop written by hand"
    own = any(fit.own_train_step for fit in profile.fits if fit.analysed)
    return "the script's own train_step" if own else ""


KNOB = Knob(
    name="mixed_precision",
    table="policy",
    takes_effect="process",
    changes="rounding",
    takes=Takes(words=(FLOAT32, FLOAT16, BFLOAT16)),
    addresses=("tensor-cores-idle", "memory-bound", "low-head-room"),
    edits=(SetPolicy(what="dtype"),),
    domain=domain,
    unsupported=unsupported,
    always=True,
)
