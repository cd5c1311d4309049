"""The hooks of the check `stopping`: what `fit` was asked for."""

from __future__ import annotations

from typing import Any

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.stopping.judging import Asked, judge
from gputune.checks.script.training import Training

_SCHEDULES = ("LearningRateScheduler", "ReduceLROnPlateau")


class Stopping(Check):
    """Long trainings that nothing stops, and whose learning rate nothing lowers."""

    def finish(self, training: Training) -> Findings:
        """Judge what was asked for."""
        if training.model is None:
            raise NotRun("the training is a loop written by hand: its length is not known")
        kinds = [type(callback).__name__ for callback in training.callbacks]
        rate = getattr(_inner(training.model.optimizer), "learning_rate", None)
        asked = Asked(
            epochs=training.epochs or 1,
            validates=training.has_validation,
            stops=any(map(_stops, training.callbacks)),
            schedules=not isinstance(rate, self.context.keras.Variable)
            or any(kind in _SCHEDULES for kind in kinds)
            or any(_names(callback, "learning_rate") for callback in training.callbacks),
        )
        yield from judge(asked, training.site)


def _inner(optimizer: Any) -> Any:
    while type(optimizer).__name__ == "LossScaleOptimizer":
        optimizer = optimizer.inner_optimizer
    return optimizer


def _stops(callback: Any) -> bool:
    return type(callback).__name__ == "EarlyStopping" or _names(callback, "stop_training")


def _names(callback: Any, attribute: str) -> bool:
    """Whether a method of the callback's own class speaks of the attribute."""
    methods = [getattr(one, "__code__", None) for one in vars(type(callback)).values()]
    return any(code is not None and attribute in code.co_names for code in methods)
