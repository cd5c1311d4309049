"""Already near what this machine can do."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.thresholds import CEILING_FRACTION
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile


def findings(profile: Profile) -> Iterator[Finding]:
    """`near-ceiling` where the step is at 90 % or more of the compute ceiling.

    Asked only where no other rule found anything.
    """
    steps, ceilings = profile.steps, profile.ceilings
    if steps is None or not steps.samples_per_s or not ceilings.compute_samples_per_s:
        return
    fraction = steps.samples_per_s / ceilings.compute_samples_per_s
    if fraction < CEILING_FRACTION:
        return
    yield Finding(
        id="near-ceiling",
        severity=Severity.GOOD,
        title="Nothing worth changing in the input or the dispatch: the model computes "
        f"{min(fraction, 1.0):.0%} of the time.",
        evidence=(
            f"{steps.samples_per_s:.4g} samples/s of {ceilings.compute_samples_per_s:.4g} with "
            "the input always ready",
        ),
        remedy="What is left is the model itself and the batch size.",
    )
