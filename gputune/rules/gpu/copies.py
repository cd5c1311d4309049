"""Copies from the host to the GPU: exposed, pageable, or slower than the link."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.seen import (
    copies_share,
    fit_site,
    gpu_parts,
    largest,
    megabytes,
    ms,
    rate,
    share,
    working_devices,
    working_gpus,
)
from gputune.rules.thresholds import (
    COPIES_EXPOSED_FRACTION,
    COPIES_MATTER_BYTES,
    COPIES_MATTER_FRACTION,
    COPIES_PROBLEM_FRACTION,
    LANE_BYTES_PER_S,
    LINK_FRACTION,
    PAGEABLE_FRACTION,
)
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import Gpu
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`copies-exposed`, and of their rate `copies-slow` or, where that is silent, `-pageable`."""
    yield from exposed(profile)
    slow = list(_slow(profile))
    yield from slow or _pageable(profile)


def exposed(profile: Profile) -> Iterator[Finding]:
    """`copies-exposed` where the GPU waits for copies for 5 % of the step or more."""
    fraction, parts, moved = copies_share(profile), gpu_parts(profile), profile.transfer
    if fraction is None or parts is None or fraction < COPIES_EXPOSED_FRACTION:
        return
    evidence = [f"the GPU waits {ms(parts.h2d_exposed_s or 0.0)} of each step for copies to it"]
    if moved.h2d_bytes_per_step is not None:
        evidence.append(f"{megabytes(moved.h2d_bytes_per_step)} a step go to the GPU{_at(profile)}")
    if moved.h2d_s_per_step and moved.h2d_exposed_s_per_step is not None:
        hidden = max(1 - moved.h2d_exposed_s_per_step / moved.h2d_s_per_step, 0.0)
        evidence.append(f"computation hides {hidden:.0%} of the time of these copies")
    problem = fraction >= COPIES_PROBLEM_FRACTION
    yield Finding(
        id="copies-exposed",
        severity=Severity.PROBLEM if problem else Severity.WARNING,
        title=f"{fraction:.0%} of each step the GPU waits for copies from the host.",
        evidence=tuple(evidence),
        remedy=_overlap(profile),
        site=fit_site(profile),
    )


def copies_matter(profile: Profile) -> bool:
    """Whether copies to the GPU take 1 % of the step or more."""
    found = (share(profile, profile.transfer.h2d_s_per_step), copies_share(profile))
    return (largest(found) or 0.0) >= COPIES_MATTER_FRACTION


def _overlap(profile: Profile) -> str:
    spread = profile.distribution
    if spread is not None and spread.replicas > 1:
        return (
            "Send fewer bytes (narrower types, cast on the device). prefetch_to_device has no "
            "effect under tf.distribute (tensorflow#94735), which fetches to its devices itself."
        )
    first = ""
    if profile.pipeline is not None and profile.pipeline.source not in ("", "tf.data"):
        first = "Feed the model from a tf.data.Dataset. "
    return (
        f'{first}Make .apply(tf.data.experimental.prefetch_to_device("/GPU:0")) the last call of '
        "the pipeline, so that the next batch is copied while this one computes. Keep it only if a "
        "second profile shows that the copies overlap then: in some loops they do not."
    )


def _slow(profile: Profile) -> Iterator[Finding]:
    """`copies-slow` below 30 % of the link's theoretical rate, where copies matter."""
    moved, gpu = profile.transfer, _slowest_link(profile)
    achieved, size = moved.h2d_bytes_per_s, moved.h2d_bytes_per_step
    if gpu is None or achieved is None or size is None or size < COPIES_MATTER_BYTES:
        return
    link = _link_bytes_per_s(gpu) or 0.0
    if not copies_matter(profile) or achieved >= LINK_FRACTION * link:
        return
    pageable = _pageable_fraction(profile)
    evidence = [
        f"{megabytes(size)} a step at {rate(achieved)}, {achieved / link:.0%} of the {rate(link)} "
        f"of PCIe generation {gpu.pcie_generation} x{gpu.pcie_width}"
    ]
    narrower = _narrowed(gpu)
    if narrower:
        evidence.append(narrower)
    if pageable:
        evidence.append(f"{pageable:.0%} of the bytes come from memory that is not pinned")
    waits = (copies_share(profile) or 0.0) >= COPIES_EXPOSED_FRACTION
    yield Finding(
        id="copies-slow",
        severity=Severity.WARNING if waits else Severity.NOTE,
        title=f"Copies to the GPU run at {achieved / link:.0%} of the link's rate.",
        evidence=tuple(evidence),
        remedy=_PINNED
        if pageable >= PAGEABLE_FRACTION
        else "Look for many small copies (the trace lists them), for a GPU on the other socket's "
        "link (nvidia-smi topo -m), and for other processes that use the link.",
        site=fit_site(profile),
    )


def _pageable(profile: Profile) -> Iterator[Finding]:
    """`copies-pageable` where most of the bytes come from memory that is not pinned."""
    fraction = _pageable_fraction(profile)
    if fraction < PAGEABLE_FRACTION or not copies_matter(profile):
        return
    size = profile.transfer.h2d_bytes_per_step
    moved = (f"{megabytes(size)} a step go to the GPU{_at(profile)}",) if size is not None else ()
    yield Finding(
        id="copies-pageable",
        severity=Severity.NOTE,
        title=f"{fraction:.0%} of the bytes sent to the GPU come from memory that is not pinned.",
        evidence=(
            *moved,
            "the driver first copies such memory into a pinned buffer, and the host waits for that",
        ),
        remedy=_PINNED,
        site=fit_site(profile),
    )


_PINNED = (
    "Let tf.data make the batches instead of passing arrays from Python to each step, which are "
    "never pinned, and end the pipeline with tf.data.experimental.prefetch_to_device; a second "
    "profile shows whether the copies are pinned then."
)


def _pageable_fraction(profile: Profile) -> float:
    return largest(a.pageable_fraction for a in working_devices(profile)) or 0.0


def _slowest_link(profile: Profile) -> Gpu | None:
    known = [gpu for gpu in working_gpus(profile) if _link_bytes_per_s(gpu)]
    return min(known, key=lambda gpu: _link_bytes_per_s(gpu) or 0.0, default=None)


def _link_bytes_per_s(gpu: Gpu) -> float | None:
    lane = LANE_BYTES_PER_S.get(gpu.pcie_generation or 0)
    return lane * gpu.pcie_width if lane and gpu.pcie_width else None


def _narrowed(gpu: Gpu) -> str:
    generation, width = gpu.pcie_generation_max or 0, gpu.pcie_width_max or 0
    if generation <= (gpu.pcie_generation or 0) and width <= (gpu.pcie_width or 0):
        return ""
    best = [f"generation {generation}"] if generation else []
    best += [f"x{width}"] if width else []
    return f"the GPU and its slot could do {' '.join(best)}"


def _at(profile: Profile) -> str:
    achieved = profile.transfer.h2d_bytes_per_s
    return "" if achieved is None else f", at {rate(achieved)}"
