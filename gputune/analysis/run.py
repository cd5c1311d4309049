"""A session's events as one record: what the script did, fit by fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gputune.session import events as names


@dataclass(frozen=True)
class Row:
    """One call of the compiled train function; see `session/events`."""

    t_enter: float
    t_exit: float
    t_end: float
    steps: int
    epoch: int
    phase: str
    block: int


@dataclass
class FitRun:
    """One `fit` of the script, as far as it was seen."""

    number: int
    begin: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    phases: list[dict[str, Any]] = field(default_factory=list)
    clean_end: dict[str, Any] | None = None
    models: list[dict[str, Any]] = field(default_factory=list)
    drain: dict[str, Any] | None = None
    held_batch: dict[str, Any] | None = None
    trace: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    unavailable: list[dict[str, Any]] = field(default_factory=list)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    validations: list[dict[str, Any]] = field(default_factory=list)
    repetitions: list[dict[str, Any]] = field(default_factory=list)
    element: dict[str, Any] | None = None
    device_memory: dict[str, Any] | None = None
    batch_memory: dict[str, Any] | None = None
    compute: dict[str, Any] | None = None
    loss: dict[str, Any] | None = None
    pruned: dict[str, Any] | None = None

    @property
    def style(self) -> str:
        """How the training is written; see `schema/profile.FitSeen`."""
        return str(self.begin.get("style") or "keras.fit")

    @property
    def steps_per_call(self) -> int:
        """`steps_per_execution`."""
        return int(self.begin.get("steps_per_execution") or 1)


@dataclass
class Run:
    """Everything that a session's log says."""

    start: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    fits: list[FitRun] = field(default_factory=list)
    styles: list[dict[str, Any]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    redirected: list[str] = field(default_factory=list)
    disabled: list[dict[str, Any]] = field(default_factory=list)
    traced: list[dict[str, Any]] = field(default_factory=list)
    knobs: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None

    @property
    def stopped(self) -> bool:
        """Whether gputune ended the script as planned."""
        return self.end is not None and self.end.get("how") == "stopped"


def read_run(events: Iterable[dict[str, Any]]) -> Run:
    """The events in order -> one record. Unknown events, and rows out of shape, are skipped."""
    run = Run()
    fits: dict[int, FitRun] = {}
    for event in events:
        kind = event["event"]
        if kind == names.FIT_BEGIN:
            fit = FitRun(number=int(event["fit"]), begin=event)
            fits[fit.number] = fit
            run.fits.append(fit)
        elif event.get("fit") in fits:
            _add_to_fit(fits[event["fit"]], kind, event)
        else:
            _add_to_run(run, kind, event)
    return run


def _add_to_fit(fit: FitRun, kind: str, event: dict[str, Any]) -> None:
    if kind == names.STEPS:
        fit.rows.extend(Row(*row) for row in event["rows"] if _is_row(row))
    elif kind in (names.EPOCH_BEGIN, names.EPOCH_END):
        fit.epochs.append(event)
    elif kind == names.PHASE:
        fit.phases.append(event)
    elif kind == names.CLEAN_END:
        fit.clean_end = event
    elif kind == names.MODEL:
        fit.models.append(event)
    elif kind == names.DRAIN:
        fit.drain = event
    elif kind == names.HELD_BATCH:
        fit.held_batch = event
    elif kind == names.TRACE:
        fit.trace = event
    elif kind == names.FIT_END:
        fit.end = event
    elif kind == names.UNAVAILABLE:
        fit.unavailable.append(event)
    elif kind == names.CALLBACKS:
        fit.callbacks.append(event)
    elif kind == names.VALIDATION:
        fit.validations.append(event)
    elif kind == names.REPETITION:
        fit.repetitions.append(event)
    elif kind == names.ELEMENT:
        fit.element = event
    elif kind == names.DEVICE_MEMORY:
        fit.device_memory = event
    elif kind == names.BATCH_MEMORY:
        fit.batch_memory = event
    elif kind == names.COMPUTE:
        fit.compute = event
    elif kind == names.LOSS:
        fit.loss = event
    elif kind == names.PRUNED:
        fit.pruned = event


def _is_row(row: object) -> bool:
    return isinstance(row, (list, tuple)) and len(row) == 7


def _add_to_run(run: Run, kind: str, event: dict[str, Any]) -> None:
    if kind == names.START:
        run.start = event
    elif kind == names.ENVIRONMENT:
        run.environment.update({k: v for k, v in event.items() if k != "event"})
    elif kind == names.DATASET_CALL:
        run.calls[int(event["id"])] = event
    elif kind == names.STYLE:
        run.styles.append(event)
    elif kind == names.OPENED:
        run.opened.append(str(event["path"]))
    elif kind == names.REDIRECTED:
        run.redirected.append(str(event["path"]))
    elif kind == names.FUNCTION_TRACED:
        run.traced.append(event)
    elif kind == names.KNOB:
        run.knobs.append(event)
    elif kind == names.HOOK_DISABLED:
        run.disabled.append(event)
    elif kind == names.END:
        run.end = event


def choose_fit(fits: Sequence[FitRun], wanted: int | None) -> FitRun | None:
    """The fit to analyse: the wanted one, else the first that was measured, else the longest."""
    if wanted is not None:
        return next((fit for fit in fits if fit.number == wanted), None)
    measured = [fit for fit in fits if fit.clean_end is not None]
    if measured:
        return max(measured, key=lambda fit: (fit.held_batch is not None, -fit.number))
    return max(fits, key=lambda fit: len(fit.rows), default=None)
