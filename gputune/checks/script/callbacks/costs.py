"""What each callback takes of a step and of an epoch. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from gputune.checks.script.callbacks.facts import Spent
from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site
from gputune.schema.training import CallbackCost

_SETTLED = 3
"""Steps at the beginning in which TensorFlow still traces."""
_FRACTION = 0.20
"""Of a step, or of an epoch: what `gputune profile` calls a problem."""
_LEAST_STEP_S = 1e-3
_LEAST_TOTAL_S = 60.0
"""Over all epochs: of a training that is over soon nobody minds a share, and two epochs' ends on a
busy machine say little about less."""


def cost(spent: Spent, step_s: float | None) -> CallbackCost:
    """The means over the steps that were seen; `step_s` is the mean step, callbacks included."""
    steps = spent.steps[_SETTLED:]
    each = fmean(steps) if steps else None
    return CallbackCost(
        name=spent.name,
        step_s=each,
        step_fraction=min(each / step_s, 1.0) if each is not None and step_s else None,
        epoch_s=fmean(spent.epochs) if spent.epochs else None,
    )


def mean_step_s(durations: Sequence[float | None]) -> float | None:
    """The mean of the settled steps (s); None with too few to say."""
    known = [duration for duration in durations[_SETTLED:] if duration is not None]
    return fmean(known) if len(known) >= _SETTLED else None


def findings(
    found: CallbackCost, step_s: float | None, steps_per_epoch: int | None, epochs: int | None,
    site: Site | None,
) -> Iterator[Finding]:  # fmt: skip
    """`callback-cost`, where a callback takes a fifth of a step, or of an epoch as it would be."""
    step, share = found.step_s or 0.0, found.step_fraction or 0.0
    if share >= _FRACTION and step >= _LEAST_STEP_S:
        yield _finding(
            found.name, f"{share:.0%} of each step", f"{step * 1e3:.3g} ms of each step",
            "Do its work once in many steps, or at the end of an epoch.", site,
        )  # fmt: skip
        return
    if step_s is None or steps_per_epoch is None or found.epoch_s is None or epochs is None:
        return
    epoch_s = step_s * steps_per_epoch + found.epoch_s
    if found.epoch_s >= _FRACTION * epoch_s and found.epoch_s * epochs >= _LEAST_TOTAL_S:
        yield _finding(
            found.name, f"{found.epoch_s / epoch_s:.0%} of each epoch",
            f"{found.epoch_s:.3g} s at each epoch, whose {steps_per_epoch} steps take about "
            f"{step_s * steps_per_epoch:.3g} s", "Do its work once in several epochs.", site,
        )  # fmt: skip


def _finding(name: str, what: str, said: str, remedy: str, site: Site | None) -> Finding:
    return Finding(
        id="callback-cost",
        severity=Severity.WARNING,
        title=f"The callback {name} takes {what}.",
        evidence=(f"{said}, over the few steps of the check",),
        remedy=f"{remedy} `gputune profile` measures it properly.",
        site=site,
    )
