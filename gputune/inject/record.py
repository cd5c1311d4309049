"""What one measurement writes to the session: its phases, models, and what could not be had."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

from gputune.inject import iterator_model
from gputune.inject.stepper import Stepper
from gputune.session import events
from gputune.session.log import EventLog


class Record:
    """The events of one fit."""

    def __init__(self, log: EventLog, tf: ModuleType, stepper: Stepper) -> None:
        self._log = log
        self._tf = tf
        self._stepper = stepper

    def write(self, event: str, **fields: Any) -> None:
        """One event of this fit."""
        self._log.write(event, fit=self._stepper.fit, **fields)

    def phase(self, name: str) -> None:
        """A phase begins now."""
        self.write(events.PHASE, name=name, t=time.perf_counter())

    def unavailable(self, metric: str, reason: str) -> None:
        """Why a figure cannot be had."""
        self.write(events.UNAVAILABLE, metric=metric, reason=reason)

    def model(self, phase: str) -> None:
        """The live iterator's model as it is now; the last one of a phase counts."""
        try:
            nodes = iterator_model.read(self._tf, self._stepper.iterator)
        except Exception as error:  # NotFoundError or ValueError, by the kind of iterator
            if phase == "begin":
                self.unavailable(
                    "pipeline.model", f"tf.data keeps no model of this input: {str(error)[:120]}"
                )
            return
        self.write(
            events.MODEL, phase=phase, t=time.perf_counter(),
            iterator=id(self._stepper.iterator), nodes=nodes,
        )  # fmt: skip

    def buffered(self) -> float | None:
        """Elements that wait in the live iterator's buffers; None where it keeps no model."""
        try:
            return iterator_model.buffered(iterator_model.read(self._tf, self._stepper.iterator))
        except Exception:  # no model: NotFoundError, ValueError, by the kind of iterator
            return None
