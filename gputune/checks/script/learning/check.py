"""The hooks of the check `learning`: the loss of each step and epoch, and the weights' way."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.context import Context
from gputune.checks.script.learning.judging import Course, Epoch, judge
from gputune.checks.script.probe import compiled
from gputune.checks.script.probe.beginning import beginning, keep
from gputune.checks.script.probe.callbacks import changes_rate, inner_optimizer
from gputune.checks.script.probe.losses import Losses, shows_means
from gputune.checks.script.probe.passes import passes
from gputune.checks.script.training import Step, Training


class Learning(Check):
    """A loss that rises or stands still, a learning rate that is far off."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._losses = Losses()
        self._epochs: list[Epoch] = []

    def keras_imported(self, keras: ModuleType, tf: ModuleType) -> Findings:
        """Note where models are compiled."""
        compiled.watch(keras, self.context.watch)
        return ()

    def training_begins(self, training: Training) -> Findings:
        """Keep the weights that the training begins with."""
        keep(training)
        self._losses.means = shows_means(training.model)
        return ()

    def step_ends(self, training: Training, step: Step) -> Findings:
        """Note the loss."""
        self._losses.add(step.number, step.epoch, step.logs.get("loss"))
        return ()

    def epoch_ends(self, training: Training, epoch: int, logs: dict[str, float]) -> Findings:
        """Note both losses."""
        if "loss" in logs and "val_loss" in logs:
            self._epochs.append(Epoch(loss=logs["loss"], val_loss=logs["val_loss"]))
        return ()

    def finish(self, training: Training) -> Findings:
        """Judge the way of the loss and of the weights."""
        if training.model is None:
            raise NotRun("the training is a loop written by hand: gputune does not see its loss")
        if not self._losses.values and self._losses.first_bad_step is None:
            raise NotRun("the training shows no loss")
        keras = self.context.keras
        model = training.model
        course = Course(
            losses=tuple(self._losses.values),
            first_bad_step=self._losses.first_bad_step,
            own_step=type(model).train_step is not keras.Model.train_step,
            movement=_movement(training),
            epochs=tuple(self._epochs),
            held_ratio=_held_ratio(self.context, training),
            **_rate(keras, training),
        )
        yield from judge(course, compiled.site(keras, model) or training.site)


def _held_ratio(context: Context, training: Training) -> float | None:
    """How the loss of the first held batch has changed; None where that is not known."""
    try:
        looked = passes(context, training)
    except NotRun:
        return None
    first, last = [
        next((one.of.loss for one in looked if one.of.weights == which), None)
        for which in ("first", "last")
    ]
    return last / first if first and last and first > 0 else None


def _rate(keras: Any, training: Training) -> dict[str, Any]:
    """The optimizer's class, its learning rate, and whether the first steps say little of it.

    They do where the rate is to change, and where gradients are gathered over many steps.
    """
    optimizer = inner_optimizer(training.model.optimizer)
    scheduled = (
        _schedule(keras, optimizer)
        or any(map(changes_rate, training.callbacks))
        or (getattr(optimizer, "gradient_accumulation_steps", None) or 1) > 1
    )
    try:
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    except Exception:  # no optimizer, or replicas' variables
        rate = None
    return {"optimizer": type(optimizer).__name__, "rate": rate, "scheduled": scheduled}


def _schedule(keras: Any, optimizer: Any) -> bool:
    """Whether the rate comes from a schedule: then it is that one's value, and no variable."""
    return not isinstance(getattr(optimizer, "learning_rate", None), keras.Variable)


def _movement(training: Training) -> float | None:
    """The largest relative change of a trainable kernel; None where that is not known."""
    import numpy as np

    variables = list(training.model.variables)
    first = beginning(training)
    if not first.fits(variables):
        return None
    trained = {id(variable) for variable in training.model.trainable_variables}
    largest = None
    for variable, before in zip(variables, first.arrays, strict=True):
        if id(variable) not in trained or before.ndim < 2:
            continue
        size = float(np.linalg.norm(before.astype("float64").ravel()))
        way = float(np.linalg.norm((variable.numpy() - before).astype("float64").ravel()))
        relative = way / size if size else (float("inf") if way else 0.0)
        largest = relative if largest is None or not relative <= largest else largest
    return largest
