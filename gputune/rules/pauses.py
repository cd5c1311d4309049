"""The time between epochs, in which nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.thresholds import PAUSES_RUN_FRACTION
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile

_PARTS = {
    "validation_s": (
        "validation",
        "Validate less often (validation_freq), on fewer batches (validation_steps), or cache the "
        "validation data.",
    ),
    "callbacks_s": (
        "callbacks",
        "Save less often or less: ModelCheckpoint with save_best_only or save_weights_only.",
    ),
    "first_step_s": (
        "the first step of an epoch",
        "Each epoch makes a new iterator and fills its buffers anew: put .repeat() at the end of "
        "the pipeline (before .prefetch) and give fit steps_per_epoch.",
    ),
    "other_s": ("other work", "Look at what the script does between epochs."),
}


def findings(profile: Profile) -> Iterator[Finding]:
    """`long-pauses` where the pauses take a tenth of the training or more."""
    between = profile.between_epochs
    if between.run_fraction is None or between.run_fraction < PAUSES_RUN_FRACTION:
        return
    known = {
        name: seconds for name in _PARTS if (seconds := getattr(between, name, None)) is not None
    }
    worst = max(known, key=lambda name: known[name], default="other_s")
    mean = "" if between.mean_s is None else f"{between.mean_s:.3g} s between two epochs"
    evidence = [f"{mean}, the mean of {between.pauses} pauses"] if mean else []
    evidence += [f"{_PARTS[name][0]}: {seconds:.3g} s" for name, seconds in known.items()]
    most = f", most of it {_PARTS[worst][0]}" if known else ""
    yield Finding(
        id="long-pauses",
        severity=Severity.WARNING,
        title=f"{between.run_fraction:.0%} of the training goes by between epochs{most}.",
        evidence=tuple(evidence),
        remedy=_PARTS[worst][1],
        site=next((fit.site for fit in profile.fits if fit.analysed), None),
    )
