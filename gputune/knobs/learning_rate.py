"""The learning rate: the companion of the batch size, never searched by itself."""

from __future__ import annotations

import math
from typing import Literal

from gputune.knobs.knob import Domain, Knob, SetArgument, Takes
from gputune.schema.profile import Profile

Rule = Literal["linear", "square root"]
_LINEAR = ("sgd",)


def scaling_rule(optimizer: str) -> Rule:
    """How the learning rate goes with the batch size, by the optimizer's class name.

    Linear for SGD, with momentum or without (Goyal et al. 2017, arXiv 1706.02677); the square root
    for optimizers that divide by a gradient's own size, as Adam does (Krizhevsky 2014, arXiv
    1404.5997; Malladi et al. 2022, arXiv 2205.10287). DeepSpeed prints both.
    """
    return "linear" if optimizer.lower() in _LINEAR else "square root"


def scaled(learning_rate: float, *, batch_size: int, was: int, optimizer: str) -> float:
    """The learning rate for `batch_size` where it was `learning_rate` for `was` samples a step."""
    factor = batch_size / was
    return learning_rate * (factor if scaling_rule(optimizer) == "linear" else math.sqrt(factor))


def domain(profile: Profile) -> Domain:
    """Nothing to search: it follows the batch size."""
    return Domain(
        was=profile.setting("learning_rate"),
        reason="it follows the batch size (linear for SGD, by the square root for others)",
        holds=True,
    )


KNOB = Knob(
    name="learning_rate",
    table="policy",
    takes_effect="fit",
    changes="training",
    takes=Takes(positive=True),
    edits=(SetArgument(method="optimizer", argument="learning_rate"),),
    domain=domain,
)
