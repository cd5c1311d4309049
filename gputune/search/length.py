"""How long the script takes as it stands: what a gain is worth is a share of that."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.schema.profile import Profile


@dataclass(frozen=True)
class RunLength:
    """Seconds of a whole run of the script and of the steps in it; both None for `reason`.

    Only the steps become shorter by a gain: start-up, validation and callbacks stay.
    """

    seconds: float | None
    reason: str = ""
    steps_s: float | None = None


def run_length(profile: Profile) -> RunLength:
    """The analysed training, start-up and pauses between its epochs included.

    `start-up + epochs x (steps x mean step + pause)`, from what the script asks for: other
    trainings of the same script are not in it.
    """
    fit = next((fit for fit in profile.fits if fit.analysed), None)
    steps = profile.steps
    if fit is None or steps is None or steps.mean_s is None:
        return RunLength(None, "no training was measured")
    if not fit.epochs_requested or not fit.steps_per_epoch:
        what = "epochs" if not fit.epochs_requested else "steps an epoch"
        return RunLength(None, f"how many {what} the script trains is not known")
    pause_s = profile.between_epochs.mean_s or 0.0
    steps_s = fit.epochs_requested * fit.steps_per_epoch * steps.mean_s
    around_s = (profile.startup.total_s or 0.0) + fit.epochs_requested * pause_s
    return RunLength(around_s + steps_s, steps_s=steps_s)
