"""How long the training under the checks is. Pure: the clock is given."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_EPOCH_STEPS = 30
LATER_EPOCH_STEPS = 10
STEPS = FIRST_EPOCH_STEPS + LATER_EPOCH_STEPS
"""Enough for a loss to show where it goes; a script's own epoch may be shorter."""
FIRST_EPOCH_SHARE = 0.75
"""Of the time that the training may take, so that a slow one reaches a second epoch's end too."""


@dataclass
class Length:
    """Counts steps and epochs, and says when there are enough; times in seconds of one clock."""

    max_s: float
    """From the end of the first step on."""
    began: float = 0.0
    steps: int = 0
    epochs: int = 0
    """That have ended."""
    steps_in_epoch: int = 0

    def step_ends(self, made: int, now: float) -> bool:
        """So many training steps were made in one call: whether their epoch is long enough."""
        if not self.steps:
            self.began = now  # tracing and compilation take what they take
        self.steps += made
        self.steps_in_epoch += made
        first = self.epochs == 0
        limit = FIRST_EPOCH_STEPS if first else LATER_EPOCH_STEPS
        late = now - self.began > (FIRST_EPOCH_SHARE if first else 1.0) * self.max_s
        return self.steps_in_epoch >= limit or self.steps >= STEPS or late

    def epoch_ends(self, now: float) -> bool:
        """An epoch is over: whether the training is long enough."""
        self.epochs += 1
        self.steps_in_epoch = 0
        return self.is_enough(now)

    def is_enough(self, now: float) -> bool:
        """Whether so many steps were made, or so much time has gone."""
        return self.steps >= STEPS or now - self.began > self.max_s
