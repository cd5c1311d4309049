"""Arithmetic that the tensor cores could do faster."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu import memory_bound
from gputune.rules.gpu.precision import (
    computes_in_half,
    computes_in_single,
    half_measured,
    half_remedy,
    half_supported,
    policy_is_half,
    precision_evidence,
)
from gputune.rules.gpu.seen import compute_share, fit_site
from gputune.rules.thresholds import HALF_PRECISION_FRACTION, TENSOR_COMPUTE_FRACTION
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import LayerNote
from gputune.schema.profile import Profile

_MOST = 6


def findings(profile: Profile) -> Iterator[Finding]:
    """`tensor-cores-idle` and `layers-off-size`, where computation is 30 % of the step or more.

    Of a GPU whose compute capability is below 7.0, or not known, nothing is said; nor of float32
    where `memory-bound` speaks, which has the same remedy.
    """
    computing = compute_share(profile)
    if computing is None or computing < TENSOR_COMPUTE_FRACTION or not half_supported(profile):
        return
    evidence = (f"the GPU computes for {computing:.0%} of the step", *precision_evidence(profile))
    if computes_in_single(profile) and not any(memory_bound.findings(profile)):
        yield Finding(
            id="tensor-cores-idle",
            severity=Severity.WARNING,
            title="The model computes in 32 bits: the tensor cores' half precision lies idle.",
            evidence=evidence,
            remedy=half_remedy(profile),
            site=fit_site(profile),
        )
    elif _policy_without_effect(profile):
        yield Finding(
            id="tensor-cores-idle",
            severity=Severity.NOTE,
            title="The precision policy asks for 16 bits, and hardly a kernel computes in them.",
            evidence=evidence,
            remedy="Set the policy before the first layer is made, and look for layers with a "
            "dtype of their own and for casts to float32 in call().",
            site=fit_site(profile),
        )
    yield from _off_size(profile)


def _policy_without_effect(profile: Profile) -> bool:
    half = half_measured(profile)
    return policy_is_half(profile) and half is not None and half < HALF_PRECISION_FRACTION


def _off_size(profile: Profile) -> Iterator[Finding]:
    layers = profile.compute.layers_off_size
    if not layers:
        return
    left = len(layers) - _MOST
    listed = [_layer(note) for note in layers[:_MOST]]
    when = "" if computes_in_half(profile) else " It pays most once the model computes in 16 bits."
    yield Finding(
        id="layers-off-size",
        severity=Severity.NOTE,
        title="Tensor cores serve some layers badly: their sizes are no multiples of what they "
        "compute at once.",
        evidence=(*listed, *((f"and {left} more",) if left > 0 else ())),
        remedy="Take the next multiple where the model leaves you free to: "
        f"{', '.join(_next(note) for note in layers[:_MOST])}. A layer that must have its size "
        f"(the classes) can stay.{when}",
    )


def _layer(note: LayerNote) -> str:
    return (
        f"{note.kind} {note.layer} has {note.size} {note.dimension}, no multiple of {note.wanted}"
    )


def _next(note: LayerNote) -> str:
    multiple = -(-note.size // note.wanted) * note.wanted
    return f"{multiple} {note.dimension} for {note.layer}"
