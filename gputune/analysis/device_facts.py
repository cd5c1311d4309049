"""What a run showed of its devices, put into its Profile: transfers, memory, arithmetic."""

from __future__ import annotations

from dataclasses import replace

from gputune.analysis.compute import NO_GPU, compute_record
from gputune.analysis.device_memory import device_memory_records
from gputune.analysis.element import element_record
from gputune.analysis.reasons import ENDED, FULL, uses_gpu
from gputune.analysis.run import FitRun
from gputune.schema.profile import Profile, Unavailable


def with_device_facts(profile: Profile, fit: FitRun, *, full: bool) -> Profile:
    """The profile with `element`, `device_memory` and `compute`, and why what lacks is not known.

    `profile` has its steps, GPUs and distribution already.
    """
    steps, seen = profile.steps, {str(u["metric"]): str(u["reason"]) for u in fit.unavailable}
    reasons: dict[str, str] = {}
    policy = (fit.compute or {}).get("policy") or fit.begin.get("precision")
    element = element_record(
        fit.element, fit.held_batch, policy=None if policy is None else str(policy),
        batch_size=steps.batch_size if steps is not None else None,
    )  # fmt: skip
    if element is None:
        reasons["element"] = seen.get("element", ENDED)
    elif element.expected_h2d_bytes_per_step is None:
        reasons["element.expected_h2d_bytes_per_step"] = "a dimension of the batch is not known"

    on_gpu = uses_gpu(profile.environment)
    no_gpu = "" if on_gpu else NO_GPU
    memory, why = device_memory_records(
        fit.device_memory,
        fit.batch_memory,
        profile.gpus,
        missing=no_gpu or (FULL if full else ENDED),
    )
    reasons |= {f"device_memory.{name}".rstrip("."): reason for name, reason in why.items()}
    compute, why = compute_record(
        fit.compute, step_s=steps.mean_s if steps is not None else None,
        gpus=_training_gpus(profile), missing=ENDED, no_gpu=no_gpu,
    )  # fmt: skip
    reasons |= {f"compute.{name}": reason for name, reason in why.items()}
    return replace(
        profile,
        element=element,
        device_memory=memory,
        compute=compute,
        unavailable=profile.unavailable
        + tuple(Unavailable(metric=metric, reason=reason) for metric, reason in reasons.items()),
    )


def _training_gpus(profile: Profile) -> list[str]:
    """The names of the GPUs that train: one, or as many as there are replicas."""
    replicas = profile.distribution.replicas if profile.distribution is not None else 1
    return [gpu.name for gpu in sorted(profile.gpus, key=lambda gpu: gpu.index)][: replicas or 1]
