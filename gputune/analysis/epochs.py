"""What passes between two epochs: validation, callbacks, a new iterator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from gputune.analysis.run import FitRun, Row
from gputune.schema.training import BetweenEpochs
from gputune.session import events

NO_PAUSE = "no epoch was followed by another before the measurement began to change the training"


@dataclass(frozen=True)
class _Pause:
    """One pause and its parts, in seconds."""

    validation: float
    callbacks: float
    first_step: float
    whole: float


def between_epochs(
    fit: FitRun, step_s: float | None, callbacks: Sequence[Mapping[str, Any]],
    validations: Sequence[Mapping[str, Any]], *, full: bool,
) -> BetweenEpochs:  # fmt: skip
    """The pauses of a fit, as far as it trained undisturbed.

    `step_s` is the clean step, `callbacks` and `validations` are the session's events of these
    names. A pause goes from the end of an epoch's last call to the end of the next one's first,
    less what a clean call takes (or all of that first call, where it was faster). The first pause
    holds the tracing of the validation: in the means it is left out where there are others.
    Without `callbacks` events (a loop written by hand) their part and that of the validation are
    not known, and are in `other_s`; so is the part of the first step where no beginning of the
    epoch was seen.
    """
    if step_s is None:
        return BetweenEpochs()
    rows = _undisturbed(fit, full=full)
    begins = {int(e["epoch"]): float(e["t"]) for e in fit.epochs if e["event"] == _BEGIN}
    changes = [(last, first) for last, first in pairwise(rows) if first.epoch != last.epoch]
    begun = all(first.epoch in begins for _, first in changes)
    pauses = [
        _pause(last, first, begins.get(first.epoch), step_s * first.steps, callbacks, validations)
        for last, first in changes
    ]
    if not pauses:
        return BetweenEpochs()
    typical = pauses[1:] or pauses
    seen = rows[-1].t_end - float(fit.begin["t"])
    whole = fmean(pause.whole for pause in typical)
    first_step = fmean(pause.first_step for pause in typical)
    by_validation = fmean(pause.validation for pause in typical)
    by_callbacks = fmean(pause.callbacks for pause in typical)
    watched = bool(callbacks)
    known = [first_step if begun else 0.0, *((by_validation, by_callbacks) if watched else ())]
    return BetweenEpochs(
        pauses=len(pauses),
        mean_s=whole,
        validation_s=by_validation if watched else None,
        callbacks_s=by_callbacks if watched else None,
        first_step_s=first_step if begun else None,
        other_s=max(whole - sum(known), 0.0),
        run_fraction=min(sum(p.whole for p in pauses) / seen, 1.0) if seen > 0 else None,
    )


_BEGIN = events.EPOCH_BEGIN


def _undisturbed(fit: FitRun, *, full: bool) -> list[Row]:
    """The calls before gputune's own phases; under `--full` those after the trace, too."""
    phases = {events.WARMUP, events.CLEAN} | ({events.AFTER, events.TRACED} if full else set())
    rows = []
    for row in fit.rows:
        if row.phase not in phases and not (full and row.phase == events.SETTLE):
            break
        rows.append(row)
    return rows


def _pause(
    last: Row, first: Row, begin: float | None, call_s: float,
    callbacks: Sequence[Mapping[str, Any]], validations: Sequence[Mapping[str, Any]],
) -> _Pause:  # fmt: skip
    """`begin` is when the callbacks of the epoch's beginning were done, or None."""
    if begin is None:
        return _Pause(0.0, 0.0, 0.0, max(first.t_end - last.t_end - call_s, 0.0))
    first_step = max(first.t_end - begin - call_s, 0.0)
    ended = [sum(e["end_s"]) for e in callbacks if e["epoch"] == last.epoch]
    begun = [sum(e["begin_s"]) for e in callbacks if e["epoch"] == first.epoch]
    return _Pause(
        validation=sum(
            float(e["duration_s"]) for e in validations if last.t_end <= float(e["t"]) <= begin
        ),
        callbacks=sum(ended) + sum(begun),
        first_step=first_step,
        whole=begin - last.t_end + first_step,
    )
