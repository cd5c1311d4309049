"""The labels of some batches in a row, as they came to the training."""

from __future__ import annotations

import time
from typing import Any

from gputune.checks.script.probe import arrays
from gputune.checks.script.training import Training

_KEY = "probe.labels_seen"
MOST_BATCHES = 8
MOST_S = 3.0
"""A slow pipeline is not waited for: what came until then is what was seen."""


def labels_seen(training: Training) -> tuple[Any, ...]:
    """The `y` arrays of the held batches and of those that follow in the same iterator.

    Only in `finish`. Only of a training with one array of labels; empty else.
    """
    if _KEY not in training.shared:
        training.shared[_KEY] = tuple(_seen(training))
    found = training.shared[_KEY]
    assert isinstance(found, tuple)
    return found


def _seen(training: Training) -> list[Any]:
    held = [_label((batch.x, batch.y)) for batch in training.batches()]
    if not held or any(label is None for label in held):
        return []
    began = time.perf_counter()
    found = list(held)
    while (
        training.iterator is not None
        and len(found) < MOST_BATCHES
        and time.perf_counter() - began < MOST_S
    ):
        try:
            label = _label(next(training.iterator))
        except Exception:  # used up, or an error of the script's own
            break
        if label is None:
            break
        found.append(label)
    return found


def _label(element: Any) -> Any:
    if not isinstance(element, (tuple, list)) or len(element) < 2:
        return None
    found = [array for _, array in arrays.leaves("y", element[1])]
    return found[0] if len(found) == 1 else None
