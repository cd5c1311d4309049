"""What a look at the model gives, as plain records: the checks' judgement knows nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["float", "integer", "bool", "other"]


@dataclass(frozen=True, kw_only=True)
class Values:
    """The numbers of one array; the figures are those of its finite numbers, None where none is."""

    name: str
    """What the script calls it, or what it is to the training: `x`, `y`, `x['age']`."""
    shape: tuple[int, ...]
    kind: Kind
    count: int = 0
    nan: int = 0
    infinite: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None

    @property
    def finite(self) -> bool:
        """Whether no number is NaN or infinite."""
        return not self.nan and not self.infinite


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One call of a layer, in the order in which the calls ended.

    `dead` are the indices, along the last axis, that were zero for every sample and position;
    `units` is that axis' length. Both are looked at where `relu`, and empty else.
    """

    layer: str
    kind: str
    finite: bool = True
    inputs_finite: bool = True
    relu: bool = False
    units: int = 0
    dead: tuple[int, ...] = ()
    samples: int = 0


@dataclass(frozen=True, kw_only=True)
class Gradient:
    """One weight's gradient. `norm` is None where it is not finite, or where there is none."""

    layer: str
    weight: str
    rank: int = 2
    norm: float | None = None
    missing: bool = False
    finite: bool = True
    weight_norm: float = 0.0


@dataclass(frozen=True, kw_only=True)
class FirstInput:
    """What the first layer with a kernel is given, after the layers without one.

    `column_rms` are the root mean squares of the features (the last axis), at most as many as
    there are `columns`; `normalised_after` says that a normalisation follows before the next
    layer with weights, so that the scale does not matter.
    """

    layer: str
    kind: str
    values: Values
    column_rms: tuple[float, ...] = ()
    normalised_after: bool = False


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One run of the model's training step on one held batch, without the update of the weights.

    `weights` says with which: those that the training began with, or those that it made. `loss`
    is None where the step does not tell one. `scaled` says that the loss was scaled for float16:
    infinite gradients are then part of the plan.
    """

    weights: Literal["first", "last"]
    loss: float | None = None
    activations: tuple[Activation, ...] = ()
    gradients: tuple[Gradient, ...] = ()
    first_inputs: tuple[FirstInput, ...] = ()
    scaled: bool = False


def norm_of(gradients: tuple[Gradient, ...]) -> float | None:
    """The norm of all gradients together; None where one is not finite, or there is none."""
    found = [one.norm for one in gradients if not one.missing]
    if not found or any(norm is None for norm in found):
        return None
    return float(sum((norm or 0.0) ** 2 for norm in found) ** 0.5)
