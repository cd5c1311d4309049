"""Memory that grows from step to step."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.thresholds import MEMORY_GROWTH_BYTES, MEMORY_GROWTH_STEPS
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile

_MIB = 2**20


def findings(profile: Profile) -> Iterator[Finding]:
    """`memory-growth` where it surely grows, and by more than 100 MiB in 1000 steps.

    A note where it may be less than that, or where a cache fills.
    """
    growth = profile.host.rss_growth_bytes_per_step
    interval = profile.host.rss_growth_ci95_bytes_per_step
    if growth is None or interval is None or interval[0] <= 0:
        return
    if growth * MEMORY_GROWTH_STEPS <= MEMORY_GROWTH_BYTES:
        return
    filling = _fills(profile)
    surely = interval[0] * MEMORY_GROWTH_STEPS > MEMORY_GROWTH_BYTES
    low, high = (value * MEMORY_GROWTH_STEPS / _MIB for value in interval)
    yield Finding(
        id="memory-growth",
        severity=Severity.WARNING if surely and not filling else Severity.NOTE,
        title=f"The script's memory grows by {growth * MEMORY_GROWTH_STEPS / _MIB:.0f} MiB in "
        f"{MEMORY_GROWTH_STEPS} steps.",
        evidence=(
            f"resident memory in the clean phase, 95 % interval {low:.0f} to {high:.0f} MiB",
        ),
        remedy=f"{filling} fills in the first epoch, which may be all of it: look again in the "
        "second."
        if filling
        else "Look for what is kept of every step: losses and predictions in lists as tensors "
        "(keep float(loss)), a function that is traced again, a model or dataset made in a loop.",
        site=next((fit.site for fit in profile.fits if fit.analysed), None),
    )


def _fills(profile: Profile) -> str:
    """The label of a stage that grows by its nature while the first epoch runs."""
    stages = profile.pipeline.stages if profile.pipeline is not None else ()
    labels = [label for stage in stages for label in (stage.calls or (stage.label,))]
    return next((label for label in labels if label.startswith(".cache(")), "")
