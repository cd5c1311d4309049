"""How long the script trains as it stands: what a gain is worth is a share of that."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.schema.profile import Profile


@dataclass(frozen=True)
class RunLength:
    """Seconds of the training steps of a whole run of the script, None for `reason`.

    Only they become shorter by a gain: start-up, validation and callbacks stay.
    """

    steps_s: float | None
    reason: str = ""


def run_length(profile: Profile) -> RunLength:
    """The analysed training: `epochs x steps x mean step`, from what the script asks for.

    Other trainings of the same script are not in it.
    """
    fit = next((fit for fit in profile.fits if fit.analysed), None)
    steps = profile.steps
    if fit is None or steps is None or steps.mean_s is None:
        return RunLength(None, "no training was measured")
    if not fit.epochs_requested or not fit.steps_per_epoch:
        what = "epochs" if not fit.epochs_requested else "steps an epoch"
        return RunLength(None, f"how many {what} the script trains is not known")
    return RunLength(fit.epochs_requested * fit.steps_per_epoch * steps.mean_s)
