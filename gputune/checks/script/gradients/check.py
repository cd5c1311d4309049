"""The hooks of the check `gradients`: passes of the model, and its kernels at both ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gputune.checks.script.check import Check, Findings
from gputune.checks.script.gradients.judging import Kernel, judge_kernels, judge_passes
from gputune.checks.script.probe.beginning import beginning, keep
from gputune.checks.script.probe.passes import passes
from gputune.checks.script.probe.recorder import layer_of
from gputune.checks.script.probe.sites import sites
from gputune.checks.script.training import Training


class Gradients(Check):
    """Vanishing and exploding gradients, dead units, weights that begin badly."""

    def training_begins(self, training: Training) -> Findings:
        """Keep the weights that the training begins with."""
        keep(training)
        return ()

    def finish(self, training: Training) -> Findings:
        """Judge what the training step does on held batches."""
        looked = tuple(one.of for one in passes(self.context, training))
        where = sites(self.context, training)
        yield from judge_passes(looked, where)
        yield from judge_kernels(tuple(_kernels(training)), training.steps, where)


def _kernels(training: Training) -> Iterator[Kernel]:
    """The trainable weights named `kernel`, as they were and as they are."""
    import numpy as np

    variables = list(training.model.variables)
    first = beginning(training)
    if not first.fits(variables):
        return
    trained = {id(variable) for variable in training.model.trainable_variables}
    for variable, before in zip(variables, first.arrays, strict=True):
        if id(variable) not in trained or variable.name != "kernel" or before.ndim < 2:
            continue
        now = np.asarray(variable.numpy())
        yield Kernel(
            layer=layer_of(variable, training.model),
            units=int(before.shape[-1]),
            fan_in=int(before.size // before.shape[-1]),
            rms=float(np.sqrt(np.mean(np.square(before.astype("float64"))))),
            alike_before=_alike(before),
            alike_after=_alike(now),
        )


def _alike(kernel: Any) -> bool:
    """Whether all units (the last axis) have the very same weights."""
    columns = kernel.reshape(-1, kernel.shape[-1])
    return bool((columns == columns[:, :1]).all())
