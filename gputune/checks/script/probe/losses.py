"""The loss of each training step, from the running means that Keras shows. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Losses:
    """Takes the `loss` of the logs step by step.

    Keras shows the mean over the epoch so far, m(n): the loss of the steps after k is
    (n·m(n) − k·m(k)) / (n − k). `means` is False for a `train_step` of the script's own whose
    loss is no mean; then the numbers are taken as they are.
    """

    means: bool = True
    _epoch: int = -1
    _before: int = 0
    _last: tuple[int, float] = (0, 0.0)
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    first_bad_step: int | None = None

    def add(self, step: int, epoch: int, shown: float | None) -> None:
        """The logs after that step (counted over the whole training, from 1)."""
        if shown is None:
            return
        if epoch != self._epoch:
            self._before = self.steps[-1] if self.steps else 0
            self._epoch, self._last = epoch, (0, 0.0)
        if not math.isfinite(shown):
            self.first_bad_step = step if self.first_bad_step is None else self.first_bad_step
            return
        if self.first_bad_step is not None:
            return
        value = shown
        if self.means:
            count, (last_count, last_mean) = step - self._before, self._last
            if count > last_count:
                value = (count * shown - last_count * last_mean) / (count - last_count)
            self._last = (count, shown)
        self.steps.append(step)
        self.values.append(value)


def shows_means(model: Any) -> bool:
    """Whether the shown loss is one of the model's metrics, which are means over the epoch."""
    names = [getattr(metric, "name", "") for metric in getattr(model, "metrics", ())]
    return model is not None and "loss" in names
