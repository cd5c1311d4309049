"""The hooks of the check `numbers`: the loss of each step, the data, and passes of the model."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.context import Context
from gputune.checks.script.numbers.judging import Seen, judge
from gputune.checks.script.probe import arrays
from gputune.checks.script.probe.beginning import keep
from gputune.checks.script.probe.facts import Pass, Values
from gputune.checks.script.probe.losses import Losses, shows_means
from gputune.checks.script.probe.passes import passes
from gputune.checks.script.probe.sites import sites
from gputune.checks.script.training import Step, Training


class Numbers(Check):
    """NaN and infinity in inputs, activations, losses and gradients."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._losses = Losses()

    def training_begins(self, training: Training) -> Findings:
        """Keep the weights that the training begins with."""
        keep(training)
        self._losses.means = shows_means(training.model)
        return ()

    def step_ends(self, training: Training, step: Step) -> Findings:
        """Note the loss."""
        self._losses.add(step.number, step.epoch, step.logs.get("loss"))
        return ()

    def finish(self, training: Training) -> Findings:
        """Look for the first place."""
        made: tuple[Pass, ...] = ()
        reason = ""
        try:
            made = tuple(looked.of for looked in passes(self.context, training))
        except NotRun as error:
            reason = error.reason
        data = tuple(_data(training))
        if not data and not made:
            raise NotRun(reason or "there was nothing to look at")
        seen = Seen(
            data=data,
            passes=made,
            first_bad_step=self._losses.first_bad_step,
            losses=tuple(self._losses.values),
        )
        yield from judge(seen, sites(self.context, training))


def _data(training: Training) -> Iterator[Values]:
    """Whole arrays that `fit` was given, else the held batches."""
    whole = False
    for name in ("x", "y", "sample_weight"):
        for label, array in arrays.leaves(name, training.arguments.get(name)):
            whole = True
            yield arrays.values_of(label, array)
    if whole:
        return
    for batch in training.batches():
        for name in ("x", "y", "sample_weight"):
            for label, array in arrays.leaves(name, getattr(batch, name)):
                yield arrays.values_of(label, array)
