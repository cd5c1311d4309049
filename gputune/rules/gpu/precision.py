"""Half precision and the tensor cores: unused, or fed with layers of an odd size."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.seen import (
    capability,
    largest,
    trains_on_gpu,
    working_devices,
    working_gpus,
)
from gputune.rules.thresholds import (
    BFLOAT16_CAPABILITY,
    HALF_PRECISION_CAPABILITY,
    HALF_PRECISION_FRACTION,
    TENSOR_ACTIVE_PERCENT,
)
from gputune.schema.profile import Profile


def half_supported(profile: Profile) -> bool:
    """Whether every GPU that trains is known to compute fast in half precision."""
    found = capability(profile)
    return trains_on_gpu(profile) and found is not None and found >= HALF_PRECISION_CAPABILITY


def half_measured(profile: Profile) -> float | None:
    """The share of the kernels' time in 16 bits, of the GPU with the most."""
    return largest(a.half_precision_fraction for a in working_devices(profile))


def tensor_percent(profile: Profile) -> float | None:
    """How much the tensor cores work: by GPM, else by the kernels' names in the trace."""
    measured = largest(gpu.tensor_active_percent for gpu in working_gpus(profile))
    if measured is not None:
        return measured
    named = largest(a.tensor_core_fraction for a in working_devices(profile))
    return None if named is None else named * 100


def policy_is_half(profile: Profile) -> bool:
    """Whether the precision policy asks for 16 bits."""
    return "16" in (_policy(profile) or "")


def _policy(profile: Profile) -> str | None:
    found = profile.compute.compute_dtype or profile.setting("mixed_precision")
    return found if isinstance(found, str) else None


def computes_in_half(profile: Profile) -> bool:
    """Whether the model computes in 16 bits: measured, or by its policy."""
    return policy_is_half(profile) or (half_measured(profile) or 0.0) >= HALF_PRECISION_FRACTION


def computes_in_single(profile: Profile) -> bool:
    """Whether it is known to compute in 32 bits or more; what was measured outweighs the policy."""
    if computes_in_half(profile):
        return False
    if _policy(profile) is not None or half_measured(profile) is not None:
        return True
    active = tensor_percent(profile)
    return active is not None and active < TENSOR_ACTIVE_PERCENT


def half_remedy(profile: Profile) -> str:
    """How to compute in half precision, for the way in which this training is written."""
    found = capability(profile)
    bfloat16 = found is not None and found >= BFLOAT16_CAPABILITY
    policy = "mixed_bfloat16" if bfloat16 else "mixed_float16"
    text = (
        f'Call keras.mixed_precision.set_global_policy("{policy}") before the model is built, and '
        "keep the last softmax in float32."
    )
    if "loop" not in (profile.style or ""):
        return text
    if bfloat16:
        return f"{text} mixed_float16 would need loss scaling in a loop of your own."
    return (
        f"{text} A loop of your own must scale the loss: wrap the optimizer in "
        "keras.mixed_precision.LossScaleOptimizer and take the gradients of "
        "optimizer.scale_loss(loss)."
    )


def precision_evidence(profile: Profile) -> Iterator[str]:
    """What is known of the type and of the tensor cores, one sentence each."""
    policy, found = _policy(profile), capability(profile)
    if policy is not None:
        yield f"the precision policy is {policy}"
    half, active = half_measured(profile), tensor_percent(profile)
    if half is not None:
        yield f"{half:.0%} of the kernels' time are in 16 bits, by their names"
    if active is not None:
        yield f"the tensor cores work for {active:.0f}% of the time"
        if active >= TENSOR_ACTIVE_PERCENT and not computes_in_half(profile):
            yield "TensorFlow lets them multiply float32 as TF32, at half the rate of 16 bits"
    if found is not None:
        yield f"the GPU's compute capability is {found[0]}.{found[1]}"
