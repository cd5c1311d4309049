"""What would limit the step next, once what limits it now no longer does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gputune.rules.engine import find
from gputune.schema.finding import Finding
from gputune.schema.profile import Breakdown, Profile

MODEL_FRACTION = 0.5
"""Ours: where computation and launches are half of the step or more, how the model computes is
worth trying."""
MODEL_GAIN = 8.0
"""Ours: how much faster the model may become, by mixed precision up to 3 times, by a larger batch
and compilation as much again. What would be too slow then is searched from the start."""
_PARTS = (
    "h2d_exposed_s", "device_compute_s", "d2h_exposed_s", "launch_s", "python_s", "other_s",
)  # fmt: skip


def without_wait(profile: Profile) -> Profile:
    """The profile as it would be if the input were always ready.

    The same arithmetic as the profile's own «what could be won»: the step without its wait.
    """
    breakdown = profile.breakdown
    return profile if breakdown is None else _changed(profile, replace(breakdown, input_wait_s=0.0))


def with_faster_model(profile: Profile, parts: Sequence[str]) -> Profile:
    """The profile as it would be if these parts of the step took so many times less.

    All else takes as long as before; the step then waits for the input where a batch, at the
    input's ceiling, takes longer than the rest.
    """
    breakdown, steps = profile.breakdown, profile.steps
    if breakdown is None or steps is None:
        return profile
    less: dict[str, Any] = {name: (getattr(breakdown, name) or 0.0) / MODEL_GAIN for name in parts}
    faster = replace(breakdown, input_wait_s=0.0, **less)
    ceiling = profile.ceilings.input_samples_per_s
    rest = _changed(profile, faster).steps
    if rest is not None and rest.mean_s and ceiling and steps.batch_size:
        wait_s = max(steps.batch_size / ceiling - rest.mean_s, 0.0)
        faster = replace(faster, input_wait_s=wait_s)
    return _changed(profile, faster)


def _changed(profile: Profile, breakdown: Breakdown) -> Profile:
    """The profile with other parts of its step; prices that were of the old step are left out."""
    steps, before = profile.steps, profile.breakdown
    if steps is None or not steps.mean_s or before is None:
        return profile
    mean_s = steps.mean_s
    for part in ("input_wait_s", *_PARTS):
        mean_s -= (getattr(before, part) or 0.0) - (getattr(breakdown, part) or 0.0)
    if mean_s <= 0:
        return profile
    rate = steps.batch_size / mean_s if steps.batch_size else None
    return replace(
        profile,
        steps=replace(steps, mean_s=mean_s, median_s=mean_s, p99_s=None, samples_per_s=rate),
        breakdown=replace(breakdown, ci95_input_wait_s=None),
        what_if=(),
    )


def findings_ahead(profile: Profile) -> tuple[Finding, ...]:
    """What the rules would find once what limits the step now is gone.

    Once the input is ready; once the device computes faster (the host's calls are then more of the
    step); once a larger batch makes the host's calls and launches few as well (the input is then
    more of it).
    """
    return (
        *find(without_wait(profile)),
        *find(with_faster_model(profile, ("device_compute_s",))),
        *find(with_faster_model(profile, _PARTS)),
    )


def model_takes_it(profile: Profile) -> bool:
    """Whether computation and launches are half of what is left of the step without its wait."""
    left = without_wait(profile)
    if left.steps is None or left.breakdown is None or not left.steps.mean_s:
        return False
    model_s = (left.breakdown.device_compute_s or 0.0) + (left.breakdown.launch_s or 0.0)
    return model_s >= MODEL_FRACTION * left.steps.mean_s
