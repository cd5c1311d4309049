"""The hooks of the check `callbacks`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gputune.checks.script.callbacks import costs, files, hooks, monitors, raising
from gputune.checks.script.callbacks.facts import Watching
from gputune.checks.script.callbacks.guarding import Guarded, raised_in
from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.context import Context
from gputune.checks.script.raised import Raised
from gputune.checks.script.reading import class_name, is_kind
from gputune.checks.script.training import Step, Training
from gputune.inject.sites import is_user_file
from gputune.session import events

_WATCHERS = ("EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint")


class Callbacks(Check):
    """What callbacks raise, watch, write and cost."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._guarded: list[Guarded] = []
        self._durations: list[float | None] = []

    def fit_called(self, training: Training) -> Findings:
        """Look at what `fit` was given, before Keras does."""
        for one in _flat(training.arguments.get("callbacks")):
            if isinstance(one, type):
                yield hooks.class_given(one.__name__, training.site)

    def training_begins(self, training: Training) -> Findings:
        """Put the guards on, and look at where callbacks write."""
        if training.style == "loop":
            raise NotRun("a loop written by hand has no Keras callbacks")
        made = self.context.made
        for callback in training.callbacks:
            site = made.site_of(callback) or training.site
            written = files.writing(callback, self.context.watch.folder.scratch, site)
            if written is not None:
                yield from files.findings(written)
            yield from hooks.never_called(class_name(callback), _own_methods(callback), site)
            self._guarded.append(Guarded(callback, site))

    def step_ends(self, training: Training, step: Step) -> Findings:
        """Keep the clock's reading."""
        self._durations.append(step.duration_s)
        return ()

    def finish(self, training: Training) -> Findings:
        """Say what was seen."""
        step_s = costs.mean_step_s(self._durations)
        rows = []
        for guarded in self._guarded:
            waits = tuple(self._monitor(guarded, training))
            yield from waits
            # A metric that does not exist is why Keras cannot tell its direction, and raises.
            unknown = any(finding.id.startswith("monitor-") for finding in waits)
            for found in guarded.raised.values():
                if not unknown or found.own:
                    yield raising.finding(found)
            row = costs.cost(guarded.spent, step_s)
            rows.append(row)
            yield from costs.findings(
                row, step_s, training.steps_per_epoch, training.epochs, guarded.made
            )
        self.context.watch.log.write(events.CALLBACK_COSTS, rows=[asdict(row) for row in rows])

    def failed(self, raised: Raised) -> Findings:
        """Say what the guards have kept, and explain an error of a hook that has none."""
        for guarded in self._guarded:
            for found in guarded.raised.values():
                yield raising.finding(found)
        for frame in raised.frames:
            callback = frame.instance
            if is_kind(callback, "Callback") and class_name(callback) != "CallbackList":
                made = self.context.made.site_of(callback)
                hook = getattr(callback, frame.function, None)
                if isinstance(raised.error, Exception):
                    yield raising.finding(
                        raised_in(callback, frame.function, hook, raised.error, made)
                    )
                return

    def _monitor(self, guarded: Guarded, training: Training) -> Findings:
        callback = guarded.callback
        kind = next((name for name in _WATCHERS if is_kind(callback, name)), None)
        if kind is None:
            return ()
        first = int(training.arguments.get("initial_epoch") or 0)
        epochs = None if training.epochs is None else training.epochs - first
        patience = _integer(getattr(callback, "patience", None))
        return monitors.findings(
            Watching(
                kind=kind,
                monitor=str(getattr(callback, "monitor", "")),
                names=guarded.names,
                epochs_seen=guarded.epochs_ended,
                epochs=epochs,
                has_validation=training.has_validation,
                site=guarded.made,
                patience=patience,
                earliest_epoch=_earliest(callback, patience, first),
                acts_at_the_end=bool(getattr(callback, "restore_best_weights", False)),
                saves_best_only=getattr(callback, "save_best_only", None),
            )
        )


def _earliest(callback: Any, patience: int | None, first: int) -> int | None:
    """The first epoch at whose end it can act, counted from the training's first as 1.

    The first epoch is always an improvement, so that waiting begins at the second; with a
    baseline it may begin at the first.
    """
    if patience is None:
        return None
    later = max(0, (_integer(getattr(callback, "start_from_epoch", 0)) or 0) - first)
    best = 0 if getattr(callback, "baseline", None) is not None else 1
    return max(2, later + best + max(patience, 1))


def _own_methods(callback: Any) -> tuple[str, ...]:
    """The methods of the user's own classes among its bases."""
    found = []
    for base in type(callback).__mro__:
        for name, value in vars(base).items():
            code = getattr(value, "__code__", None)
            if code is not None and is_user_file(code.co_filename):
                found.append(name)
    return tuple(dict.fromkeys(found))


def _flat(callbacks: Any) -> Iterator[Any]:
    if isinstance(callbacks, (list, tuple)):
        for one in callbacks:
            yield from _flat(one)
    elif callbacks is not None:
        yield callbacks


def _integer(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and value == value else None
