"""What the judgement on labels knows, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gputune.checks.script.probe.facts import Values

Outputs = Literal["probabilities", "units", "numbers"]
"""`probabilities`: each row sums to 1; `units`: each number lies in [0, 1]; else `numbers`."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels of one output.

    `fractions` says whether a number is not whole, `rows_of_one` the share of rows (the last axis)
    that sum to 1, `whole` whether these are all labels of the training and not some batches'.
    """

    values: Values
    fractions: bool = False
    classes: int | None = None
    """How many there are: distinct numbers, or places of the largest number in one-hot rows;
    None where that has no meaning."""
    rows_of_one: float | None = None
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output of the model with its loss.

    `loss` is the snake-case name of one of Keras' losses, or empty for another; `from_logits` is
    None where the loss has no such thing. `units` is the length of the last axis, `activation` the
    name of the last layer's activation, empty where it has or shows none. `sees_through` says
    whether Keras takes the logits out of the softmax by itself, None where that was not tried.
    `minimum` and `maximum` are those of the predictions that were seen.
    """

    name: str
    loss: str
    from_logits: bool | None = None
    ignored: float | None = None
    """The class that the loss leaves out."""
    units: int = 1
    outputs: Outputs = "numbers"
    activation: str = ""
    layer: str = ""
    minimum: float = 0.0
    maximum: float = 0.0
    unreachable: float = 0.0
    """The share of the labels that lie outside of what the activation can give."""
    sees_through: bool | None = None
    labels: Labels
