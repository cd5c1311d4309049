"""Callbacks that the model waits for at every step."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.thresholds import CALLBACK_PROBLEM_FRACTION, CALLBACK_WARNING_FRACTION
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile

# What to do about Keras' own; the arguments are Keras 3's.
_REMEDIES = {
    "TensorBoard": "Give TensorBoard update_freq='epoch' (or a number of steps), and no "
    "profile_batch.",
    "ModelCheckpoint": "Give ModelCheckpoint save_freq='epoch', or a larger number of steps.",
    "BackupAndRestore": "Give BackupAndRestore save_freq='epoch', or a larger number of steps.",
    "ProgbarLogger": "Call fit with verbose=2: one line an epoch instead of a bar at every step.",
}


def findings(profile: Profile) -> Iterator[Finding]:
    """`callback-cost` for each callback that takes 5 % of a step or more."""
    for callback in profile.callbacks:
        fraction = callback.step_fraction
        if fraction is None or fraction < CALLBACK_WARNING_FRACTION or callback.step_s is None:
            continue
        problem = fraction >= CALLBACK_PROBLEM_FRACTION
        remedy = _REMEDIES.get(
            callback.name,
            "Do its work once in many steps or at the end of an epoch. With steps_per_execution "
            "it is called once for so many steps.",
        )
        yield Finding(
            id="callback-cost",
            severity=Severity.PROBLEM if problem else Severity.WARNING,
            title=f"The callback {callback.name} takes {fraction:.0%} of each step.",
            evidence=(f"{callback.step_s * 1e3:.3g} ms of each step, the mean of the clean steps",),
            remedy=remedy,
            site=next((fit.site for fit in profile.fits if fit.analysed), None),
        )
