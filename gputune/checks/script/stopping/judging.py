"""Advice on what a training was asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

LONG = 30
"""Epochs: a choice and no law, and so a note. Below it people look at the curves themselves."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What `fit` was asked for."""

    epochs: int
    validates: bool = False
    stops: bool = False
    schedules: bool = False


def judge(asked: Asked, site: Site | None) -> Iterator[Finding]:
    """`long-training`: one note at most."""
    if asked.epochs < LONG or (asked.stops and asked.validates):
        return
    missing = []
    if not asked.validates:
        missing.append("there are no validation data, so that overfitting stays unseen")
    if not asked.stops:
        missing.append("nothing stops the training where it no longer gets better")
    if not asked.schedules:
        missing.append("the learning rate stays the same to the end")
    yield Finding(
        id="long-training",
        severity=Severity.NOTE,
        title=f"The training has {asked.epochs} epochs and "
        + ("no early stopping." if not asked.stops else "no validation data."),
        evidence=tuple(missing),
        remedy="EarlyStopping(patience="
        f"{max(3, asked.epochs // 10)}, restore_best_weights=True) with validation data saves the "
        "epochs that only overfit; ReduceLROnPlateau or a schedule often gets the loss lower.",
        site=site,
    )
