"""The GPU's own memory sets the pace of its computation."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.gpu.precision import computes_in_single, half_remedy, half_supported
from gputune.rules.gpu.seen import fit_site, gpu_label, working_gpus
from gputune.rules.thresholds import BALANCED_PERCENT, DRAM_HIGH_PERCENT
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import Gpu
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`memory-bound` where DRAM is active for 60 % or more, and arithmetic surely for less.

    A warning where half precision would halve the bytes, else a note. Without a figure of the
    arithmetic (tensor cores, MFU) nothing is said.
    """
    bound = [gpu for gpu in working_gpus(profile) if _bound(profile, gpu)]
    if not bound:
        return
    wide = half_supported(profile) and computes_in_single(profile)
    mfu = profile.compute.mfu_fraction
    evidence = []
    for gpu in bound:
        text = f"the memory of {gpu_label(profile, gpu.index)} is at {gpu.dram_active_percent:.0f}%"
        text += " of its peak bandwidth (some 80% are the most in practice)"
        if gpu.tensor_active_percent is not None:
            text += f", its tensor cores work in {gpu.tensor_active_percent:.0f}% of the cycles"
        evidence.append(text)
    if mfu is not None:
        evidence.append(f"{mfu:.1%} of the peak rate of arithmetic is reached (MFU)")
    fuse = "" if profile.setting("jit_compile") is True else _FUSE
    yield Finding(
        id="memory-bound",
        severity=Severity.WARNING if wide else Severity.NOTE,
        title="The GPU's memory sets the pace: its arithmetic waits for data.",
        evidence=tuple(evidence),
        remedy=" ".join(
            text for text in (half_remedy(profile) if wide else "", fuse, _LESS) if text
        ),
        site=fit_site(profile),
    )


def _bound(profile: Profile, gpu: Gpu) -> bool:
    dram, mfu = gpu.dram_active_percent, profile.compute.mfu_fraction
    if dram is None or dram < DRAM_HIGH_PERCENT:
        return False
    rates = (gpu.tensor_active_percent, None if mfu is None else mfu * 100)
    known = [rate for rate in rates if rate is not None]
    return bool(known) and max(known) <= dram - BALANCED_PERCENT


_FUSE = "jit_compile=True fuses operations that would each read and write the whole tensor."
_LESS = "A larger batch does not help here: it moves as many more bytes."
