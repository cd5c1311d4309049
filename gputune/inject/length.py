"""How long the training that is being measured still is, in calls of its train function."""

from __future__ import annotations

import math

from gputune.inject.stepper import Stepper

FEWEST_EPOCHS = 4
"""From so many epochs on the last one is kept for the drain: it is at most a quarter of all."""


class TrainingEnds(Exception):
    """The training is too near its end: what is still missing cannot be had."""


class Length:
    """What Keras told of the fit's length, and what its epochs have shown."""

    def __init__(self, stepper: Stepper, *, epochs: int | None, total_calls: int | None) -> None:
        self._stepper = stepper
        self.epochs = epochs
        self._total_calls = total_calls

    @property
    def calls(self) -> int | None:
        """The calls of the whole fit: told by Keras, or from the length of the last epoch."""
        if self._total_calls is not None:
            return self._total_calls
        if self.epochs is None or not self._stepper.calls_in_last_epoch:
            return None
        return self.epochs * self._stepper.calls_in_last_epoch

    @property
    def calls_left(self) -> float:
        """Calls that the fit still makes; infinite where that is unknown."""
        return math.inf if self.calls is None else max(self.calls - self._stepper.calls, 0)

    @property
    def calls_left_in_epoch(self) -> float:
        """Calls that the running epoch still makes; infinite where that is unknown."""
        if self.calls is None or not self.epochs:
            return math.inf
        return max(self.calls / self.epochs - self._stepper.calls_in_epoch, 0)

    @property
    def calls_to_spare(self) -> float:
        """Calls that may still be measured: not the last one, nor the epoch kept for the drain."""
        kept = 1.0
        if self.calls is not None and self.epochs and self.epochs >= FEWEST_EPOCHS:
            kept = max(self.calls / self.epochs, 1)
        return max(self.calls_left - kept, 0)

    def check(self) -> None:
        """Raise TrainingEnds where nothing is to spare: the script must not see its end come."""
        if self.calls_to_spare <= 0:
            raise TrainingEnds
