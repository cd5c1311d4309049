"""Figures of a profile that are shown as bars of one length scale. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gputune.report import figures
from gputune.report.rows import finite, stages
from gputune.schema.profile import Profile


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A bar: `fraction` (0 to 1) of the longest, None where there is no value to draw."""

    label: str
    text: str
    fraction: float | None
    kind: str = ""
    """`limit` for the bar that sets the pace, `own` for the script's own figure."""


def meters(values: Sequence[tuple[str, float | None, str, str]]) -> list[Meter]:
    """Bars for (label, value, text, kind); the longest is the largest value."""
    known = [value for _, value, _, _ in values if finite(value) is not None and value]
    longest = max(known, default=0.0)
    return [
        Meter(
            label=label,
            text=text,
            fraction=value / longest
            if value is not None and finite(value) is not None and longest > 0
            else None,
            kind=kind,
        )
        for label, value, text, kind in values
    ]


def ceilings(profile: Profile) -> list[Meter]:
    """Samples/s: what was reached, and what input and model could do alone; none without steps."""
    steps, top = profile.steps, profile.ceilings
    if steps is None:
        return []
    limits = (finite(top.input_samples_per_s), finite(top.compute_samples_per_s))
    lower = min((value for value in limits if value is not None), default=None)
    named = (
        ("reached", finite(steps.samples_per_s), "own"),
        ("input without the model", limits[0], "limit" if limits[0] == lower else ""),
        ("model without the input", limits[1], "limit" if limits[1] == lower else ""),
    )
    return meters(
        [
            (label, value, figures.rate(value, "samples"), kind if value is not None else "")
            for label, value, kind in named
        ]
    )


def stage_meters(profile: Profile) -> tuple[list[Meter], Meter | None]:
    """(a bar for each stage, source first; the model's): seconds a batch takes at its best rate.

    The longest bar sets the pace.
    """
    if profile.pipeline is None:
        return [], None
    ordered = sorted(profile.pipeline.stages, key=lambda stage: -stage.index)
    batches_s = [_per_batch(finite(stage.max_batches_per_s)) for stage in ordered]
    steps, top = profile.steps, finite(profile.ceilings.compute_samples_per_s)
    batch = steps.batch_size if steps is not None else None
    model_rate = top / batch if top is not None and batch else None
    rows = stages(profile)
    drawn = meters(
        [
            (row.name, value, figures.seconds(value), "limit" if row.bottleneck else "")
            for row, value in zip(rows, batches_s, strict=True)
        ]
        + [("the model", _per_batch(model_rate), figures.rate(model_rate, "batches"), "")]
    )
    return drawn[:-1], drawn[-1] if model_rate is not None else None


def _per_batch(rate: float | None) -> float | None:
    return 1 / rate if rate else None
