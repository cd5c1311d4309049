"""Several GPUs, of which not all have a part in the training."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.seen import (
    activity_by_index,
    fit_site,
    gpu_label,
    idle_indices,
    trains_on_gpu,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`one-gpu-of-several` where a GPU does less than 5 % of what the busiest does.

    Not asked where TensorFlow was given one GPU only: somebody chose it.
    """
    idle, busy = idle_indices(profile), activity_by_index(profile)
    given = sum("GPU" in device for device in profile.environment.devices)
    if not trains_on_gpu(profile) or not idle or given == 1:
        return
    working = len(busy) - len(idle)
    yield Finding(
        id="one-gpu-of-several",
        severity=Severity.WARNING,
        title=f"{working} of {len(busy)} GPUs {'works' if working == 1 else 'work'}: the others "
        "are taken and idle.",
        evidence=tuple(
            f"{gpu_label(profile, index)} is busy for {value:.0%} of the time"
            for index, value in sorted(busy.items())
        ),
        remedy=_spread(profile) + "Otherwise show the script only the GPUs that it uses "
        f"({_variable(profile, sorted(set(busy) - set(idle)))}): TensorFlow takes the memory of "
        "all that it sees.",
        site=fit_site(profile),
    )


def _variable(profile: Profile, used: list[int]) -> str:
    """The variable with its value, as far as the driver's names for the GPUs are known.

    The script's numbers are the driver's only where the variable was not set already.
    """
    uuids = {gpu.index: gpu.uuid for gpu in profile.gpus}
    names = [uuids.get(index) for index in used]
    if "CUDA_VISIBLE_DEVICES" not in dict(profile.environment.variables):
        return f"CUDA_VISIBLE_DEVICES={','.join(str(index) for index in used)}"
    known = [name for name in names if name]
    if len(known) < len(used):
        return "fewer in CUDA_VISIBLE_DEVICES"
    return f"CUDA_VISIBLE_DEVICES={','.join(known)}"


def _spread(profile: Profile) -> str:
    if profile.distribution is not None and profile.distribution.replicas > 1:
        return (
            f"The training is spread over {profile.distribution.replicas} replicas "
            f"({profile.distribution.strategy}): name the other GPUs in its devices too. "
        )
    return (
        "To use them, make and compile the model within tf.distribute.MirroredStrategy().scope(), "
        "with a batch larger by their number. "
    )
