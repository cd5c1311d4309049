"""From the course of a short training to findings. Pure.

Some forty steps say when a training fails at once. They cannot say that it will go well, and
overfitting mostly needs epochs: what was not seen is not said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

FEWEST_STEPS = 12
"""So that a quarter has three losses, of which a median can be taken."""
DIVERGED = 10.0
"""The last quarter's median loss to the first step's, and the same of a batch held in memory.
Warm-ups and momentum rise by a few times and come back; ten times, with no loss of the last
quarter below the first, is no noise of batches."""
RISEN = 2.0
STILL = 1e-6
"""The largest relative change of a kernel in one step that is no learning. Rules of thumb ask for
1e-3 (Karpathy, CS231n, "Ratio of weights:updates"), fine-tuning has 1e-5, and float32 resolves
1.2e-7."""
CONSTANT = 1e-6
"""Relative spread of a loss that does not depend on the batch."""
PARTED = 1.5
"""val_loss to loss, where val_loss has risen while the loss has fallen."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """The losses at an epoch's end; the validation is of one batch."""

    loss: float
    val_loss: float


@dataclass(frozen=True, kw_only=True)
class Course:
    """`losses` by step up to the first that is not finite; `movement` is relative, for all steps.

    `scheduled` says that the rate changes by itself, or that updates come after many steps: the
    weights may begin to move later. `own_step` says that
    the training step is the script's, so that what it calls loss may be anything.
    """

    losses: tuple[float, ...] = ()
    first_bad_step: int | None = None
    optimizer: str = ""
    rate: float | None = None
    scheduled: bool = False
    own_step: bool = False
    movement: float | None = None
    epochs: tuple[Epoch, ...] = ()
    held_ratio: float | None = None
    """The loss of one batch held in memory: with the last weights, to that with the first."""


def judge(course: Course, site: Site | None) -> Iterator[Finding]:
    """`weights-do-not-move`, `loss-diverges`, `loss-rises`, `loss-constant`, `val-loss-parts`."""
    if course.first_bad_step is not None or len(course.losses) < FEWEST_STEPS:
        return  # NaN is for the check `numbers`
    per_step = None if course.movement is None else course.movement / len(course.losses)
    still = per_step is not None and per_step < STILL and not course.scheduled
    if per_step is not None and still and any(course.losses):  # of a loss of 0 nothing is to learn
        yield _still(course, per_step, site)
    elif _spread(course.losses) < CONSTANT:
        yield _constant(course, site)
    else:
        yield from _rising(course, site)
    yield from _parted(course, site)


def _rising(course: Course, site: Site | None) -> Iterator[Finding]:
    losses = course.losses
    quarter = len(losses) // 4
    first, late = losses[0], losses[-quarter:]
    if first <= 0 or min(late) <= first:
        return
    ratio = min(median(late) / first, course.held_ratio or math.inf)
    if ratio < RISEN:
        return
    sure = ratio >= DIVERGED and not course.own_step
    yield Finding(
        id="loss-diverges" if sure else "loss-rises",
        severity=Severity.PROBLEM if sure else Severity.WARNING,
        title=f"The loss rises: {ratio:.3g} times in {len(losses)} steps.",
        evidence=(
            f"{first:.4g} in the first step, a median of {median(late):.4g} in the last {quarter}",
            *_held(course),
            *_rate(course),
        ),
        remedy="Lower the learning rate by ten times (Adam: 1e-3 is usual, SGD: 1e-2), and bring "
        "inputs and labels to a scale near 1.",
        site=site,
    )


def _still(course: Course, per_step: float, site: Site | None) -> Finding:
    exactly = course.movement == 0
    return Finding(
        id="weights-do-not-move",
        severity=Severity.PROBLEM if exactly else Severity.WARNING,
        title="No kernel has changed: the training does nothing."
        if exactly
        else "The weights hardly move: at this pace the training does nothing.",
        evidence=(
            f"the largest relative change of a kernel is {per_step:.1g} a step, over "
            f"{len(course.losses)} steps",
            f"the loss went from {course.losses[0]:.4g} to {course.losses[-1]:.4g}",
            *_rate(course),
        ),
        remedy="Raise the learning rate (Adam: 1e-3 is usual, SGD: 1e-2); where it is not small, "
        "look at what the check `gradients` says.",
        site=site,
    )


def _constant(course: Course, site: Site | None) -> Finding:
    return Finding(
        id="loss-constant",
        severity=Severity.WARNING,
        title=f"The loss is {course.losses[0]:.6g} at every step, whatever the batch.",
        evidence=(f"{len(course.losses)} steps", *_rate(course)),
        remedy="The outputs do not depend on the inputs: look for dead units, a softmax over one "
        "unit, or a loss that the outputs cannot change.",
        site=site,
    )


def _parted(course: Course, site: Site | None) -> Iterator[Finding]:
    """Only where this run shows it; it is short, so that mostly it shows nothing."""
    if len(course.epochs) < 2:
        return
    first, last = course.epochs[0], course.epochs[-1]
    if not (last.loss < first.loss and last.val_loss > first.val_loss > 0 and last.loss > 0):
        return
    if last.val_loss < PARTED * last.loss:
        return
    yield Finding(
        id="val-loss-parts",
        severity=Severity.NOTE,
        title="The loss falls while val_loss rises.",
        evidence=(
            f"loss {first.loss:.4g} to {last.loss:.4g}, val_loss {first.val_loss:.4g} to "
            f"{last.val_loss:.4g}, over {len(course.epochs)} short epochs, with a short "
            "validation: a first sign of overfitting, no proof",
        ),
        remedy="Watch both over whole epochs; EarlyStopping(restore_best_weights=True), Dropout, "
        "augmentation or more data help.",
        site=site,
    )


def _spread(losses: tuple[float, ...]) -> float:
    size = max(abs(loss) for loss in losses)
    return (max(losses) - min(losses)) / size if size else 0.0


def _held(course: Course) -> tuple[str, ...]:
    if course.held_ratio is None:
        return ()
    return (f"one batch, before and after: {course.held_ratio:.3g} times",)


def _rate(course: Course) -> tuple[str, ...]:
    if course.rate is None or not math.isfinite(course.rate):
        return ()
    return (f"{course.optimizer} with a learning rate of {course.rate:.3g}",)
