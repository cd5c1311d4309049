"""The training that is checked, as the checks see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gputune.schema.site import Site

HELD_BATCHES = 2


@dataclass(frozen=True)
class Step:
    """One call of the training step.

    `number` counts training steps from 1 (with `steps_per_execution` = N it grows by N), `epoch`
    from 0. `logs` are the running means that Keras shows, empty in a loop written by hand.
    `duration_s` is from the end of the step before, callbacks included; None for an epoch's first.
    """

    number: int
    epoch: int
    logs: Mapping[str, float]
    duration_s: float | None = None


@dataclass(frozen=True)
class Batch:
    """One batch as the model's step gets it; `y` and `sample_weight` are None without."""

    x: Any
    y: Any = None
    sample_weight: Any = None


@dataclass(kw_only=True)
class Training:
    """One training of the script: a call of `fit`, or a loop written by hand."""

    number: int
    """1 is the script's first."""
    style: str
    """`keras.fit`, or `loop` (then there is no model, and no argument)."""
    model: Any = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What `fit` was called with, by the parameter's name; what was left out is not in it."""
    site: Site | None = None
    """The user's line that trains."""
    epochs: int | None = None
    """As the script asks for; the check itself makes one or two."""
    steps_per_epoch: int | None = None
    """None where Keras does not know it before the first epoch's end."""
    callbacks: tuple[Any, ...] = ()
    """The script's own, flat, in their order; without those that Keras adds."""
    steps: int = 0
    """Training steps made so far."""
    epochs_ended: int = 0
    cut_short: bool = False
    """Whether gputune has ended an epoch before its data were used up."""
    metrics: tuple[str, ...] = ()
    """Names in the logs of the last epoch's end, `val_` ones included."""
    iterator: Any = None
    """The live iterator of the last step (its `element_spec` may be looked at), or None."""
    shared: dict[str, Any] = field(default_factory=dict)
    """What checks that ask the same have found out together, by the name of who found it."""
    _held: tuple[Batch, ...] | None = None

    @property
    def has_validation(self) -> bool:
        """Whether `fit` was given validation data."""
        return self.arguments.get("validation_data") is not None or bool(
            self.arguments.get("validation_split")
        )

    def batches(self) -> tuple[Batch, ...]:
        """Up to two whole batches, the same at every call; only in `finish`.

        Of the live iterator, or anew of the data where that is used up. Empty where the input has
        no batch that could be looked at (a strategy's replicas).
        """
        if self._held is None:
            self._held = tuple(_batches(self))
        return self._held


def _batches(training: Training) -> Iterator[Batch]:
    found = 0
    for source in (lambda: training.iterator, lambda: _anew(training)):
        elements = source()
        if elements is None:
            continue
        while found < HELD_BATCHES:
            try:
                element = next(elements)
            except Exception:  # used up (StopIteration, OutOfRangeError), or the script's own error
                break
            if any(type(part).__name__ == "PerReplica" for part in _flat(element)):
                return
            found += 1
            yield _batch(element)
        if found:
            return


def _anew(training: Training) -> Iterator[Any] | None:
    """A new iterator over what `fit` was given, where that can be gone through again."""
    x: Any = training.arguments.get("x")
    if hasattr(x, "element_spec") and hasattr(x, "__iter__"):
        anew: Iterator[Any] = iter(x)
        return anew
    if hasattr(x, "__getitem__") and hasattr(x, "num_batches"):  # a PyDataset
        return iter([x[0]])
    if x is None or not hasattr(x, "shape"):
        return None
    size = training.arguments.get("batch_size") or 32
    y = training.arguments.get("y")
    if y is not None and not hasattr(y, "shape"):
        return None
    return iter([(x[:size],) if y is None else (x[:size], y[:size])])


def _batch(element: Any) -> Batch:
    # A one-epoch iterator of Keras wraps its element once more for `steps_per_execution`.
    if isinstance(element, (tuple, list)):
        return Batch(*element[:3])
    return Batch(element)


def _flat(element: Any) -> Iterator[Any]:
    if isinstance(element, dict):
        element = tuple(element.values())
    if isinstance(element, (tuple, list)):
        for part in element:
            yield from _flat(part)
    else:
        yield element
