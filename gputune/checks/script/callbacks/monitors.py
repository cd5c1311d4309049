"""Callbacks that wait for a metric which never comes, or longer than the training lasts. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from gputune.checks.advice import patience_too_long
from gputune.checks.script.callbacks.facts import Watching
from gputune.schema.finding import Finding, Severity

_EFFECT = {
    "EarlyStopping": "it never stops the training",
    "ReduceLROnPlateau": "it never lowers the learning rate",
    "ModelCheckpoint": "it saves every epoch, not the best one",
}


def findings(found: Watching) -> Iterator[Finding]:
    """What is wrong with the metric, else with the patience."""
    wrong = tuple(_metric(found))
    yield from wrong or _patience(found)


def _metric(found: Watching) -> Iterator[Finding]:
    if found.saves_best_only is False or not found.epochs_seen or found.monitor in found.names:
        return
    validated = any(name.startswith("val_") for name in found.names)
    if found.monitor.startswith("val_") and not validated:
        # With validation_freq the epochs that were seen may be those without.
        if not found.has_validation:
            yield _no_validation(found)
        return
    yield _unknown(found)


def _no_validation(found: Watching) -> Finding:
    plain = found.monitor.removeprefix("val_")
    instead = f", or monitor={plain!r}" if plain in found.names else ""
    return Finding(
        id="monitor-without-validation",
        severity=_severity(found),
        title=f"{found.kind} watches {found.monitor!r}, and fit has no validation data: "
        f"{_EFFECT.get(found.kind, 'it never acts')}.",
        evidence=(_exist(found),),
        remedy=f"Give fit validation_data (or validation_split){instead}.",
        site=found.site,
    )


def _unknown(found: Watching) -> Finding:
    near = difflib.get_close_matches(found.monitor, found.names, n=2, cutoff=0.5)
    meant = " or ".join(f"monitor={name!r}" for name in near)
    return Finding(
        id="monitor-unknown",
        severity=_severity(found),
        title=f"{found.kind} watches {found.monitor!r}, which no metric is called: "
        f"{_EFFECT.get(found.kind, 'it never acts')}.",
        evidence=(_exist(found),),
        remedy=f"Name one that exists: {meant or 'see above'}; a metric is called what its "
        "name= says, or as it was given to compile.",
        site=found.site,
    )


def _severity(found: Watching) -> Severity:
    return Severity.WARNING if found.kind == "ModelCheckpoint" else Severity.PROBLEM


def _exist(found: Watching) -> str:
    return f"at an epoch's end there are {', '.join(found.names) or 'no metrics'}"


def _patience(found: Watching) -> Iterator[Finding]:
    if found.patience is None or found.earliest_epoch is None or found.epochs is None:
        return
    if found.earliest_epoch > found.epochs and not found.acts_at_the_end:
        yield patience_too_long(
            found.kind, found.patience, found.epochs, found.site, earliest=found.earliest_epoch
        )
