"""The hooks of the check `stopping`: what `fit` was asked for."""

from __future__ import annotations

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.probe.callbacks import changes_rate, inner_optimizer, stops
from gputune.checks.script.stopping.judging import Asked, judge
from gputune.checks.script.training import Training


class Stopping(Check):
    """Long trainings that nothing stops, and whose learning rate nothing lowers."""

    def finish(self, training: Training) -> Findings:
        """Judge what was asked for."""
        if training.model is None:
            raise NotRun("the training is a loop written by hand: its length is not known")
        rate = getattr(inner_optimizer(training.model.optimizer), "learning_rate", None)
        asked = Asked(
            epochs=training.epochs or 1,
            validates=training.has_validation,
            stops=any(map(stops, training.callbacks)),
            schedules=not isinstance(rate, self.context.keras.Variable)
            or any(map(changes_rate, training.callbacks)),
        )
        yield from judge(asked, training.site)
