"""The model's own training step on held batches, run eagerly once more after the training.

The step is the public `model.train_step`, the script's own where it has one. Optimizers are kept
from changing anything meanwhile, and all variables of the model get their values back, those of
the random generators and of the metrics too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from gputune.checks.script.check import NotRun
from gputune.checks.script.context import Context
from gputune.checks.script.probe import arrays
from gputune.checks.script.probe.beginning import beginning, copies, put
from gputune.checks.script.probe.facts import Pass
from gputune.checks.script.probe.recorder import Recorder
from gputune.checks.script.training import Batch, Training

_KEY = "probe.passes"
MOST_S = 60.0
"""After this no further pass is made: what a large model shows in one is enough."""


@dataclass(frozen=True)
class Looked:
    """One pass, the batch that it was made on, and what the model predicted for it."""

    of: Pass
    batch: Batch
    prediction: Any = None
    last_layer: Any = None


def passes(context: Context, training: Training) -> tuple[Looked, ...]:
    """One pass with the first weights, then one for each held batch with the last ones.

    Only in `finish`. Where the last weights are not finite there is no pass with them. Raises
    NotRun where no pass can be made.
    """
    found = training.shared.get(_KEY)
    if found is None:
        try:
            found = tuple(_passes(context, training))
        except NotRun as error:
            found = error
        except Exception as error:
            found = NotRun(
                "the training step cannot be run eagerly on a held batch: "
                f"{type(error).__name__}: {str(error)[:200]}"
            )
        training.shared[_KEY] = found
    if isinstance(found, NotRun):
        raise NotRun(found.reason)
    assert isinstance(found, tuple)
    return found


def _passes(context: Context, training: Training) -> Iterator[Looked]:
    if training.model is None:
        raise NotRun("the training is a loop written by hand: gputune does not see its model")
    batches = training.batches()
    if not batches:
        raise NotRun("the input has no batch that can be looked at")
    model = training.model
    variables = list(model.variables)
    first = beginning(training)
    now = copies(variables)
    began = time.perf_counter()
    try:
        if first.fits(variables):
            put(variables, first.arrays)
            yield _pass(context, training, batches[0], "first")
            put(variables, now)
        if all(arrays.all_finite(array) for array in now):
            for batch in batches:
                yield _pass(context, training, batch, "last")
                if time.perf_counter() - began > MOST_S:
                    break
    finally:
        put(variables, now)


def _pass(
    context: Context, training: Training, batch: Batch, weights: Literal["first", "last"]
) -> Looked:
    model = training.model
    batch = _tensors_of(context.tf, batch)
    recorder = Recorder(context.keras, model, batch.x)
    with recorder.listening(), _quiet(context):
        logs = model.train_step(_data(training, batch))
    scaled = type(model.optimizer).__name__ == "LossScaleOptimizer"
    return Looked(
        Pass(
            weights=weights,
            loss=_loss(context, training, recorder, batch, logs),
            activations=tuple(recorder.activations),
            gradients=tuple(recorder.gradients),
            first_inputs=recorder.first_inputs,
            scaled=scaled,
        ),
        batch,
        recorder.prediction,
        recorder.last_layer,
    )


def trains_as_keras(context: Context, model: Any) -> bool:
    """Whether the training step is Keras' own, so that the compiled loss is what is trained."""
    return type(model).train_step is context.keras.Model.train_step


def _loss(
    context: Context, training: Training, recorder: Recorder, batch: Batch, logs: Any
) -> float | None:
    """The batch's own loss: what the logs show is a mean over the epoch so far."""
    model = training.model
    if trains_as_keras(context, model) and recorder.prediction is not None:
        loss = model.compute_loss(
            x=batch.x, y=batch.y, y_pred=recorder.prediction,
            sample_weight=batch.sample_weight, training=True,
        )  # fmt: skip
        return float(loss)
    try:
        return float(logs["loss"])
    except (KeyError, TypeError, ValueError):
        return None


def _data(training: Training, batch: Batch) -> Any:
    """The batch in the form in which `train_step` gets it."""
    if batch.sample_weight is not None:
        return (batch.x, batch.y, batch.sample_weight)
    if batch.y is not None:
        return (batch.x, batch.y)
    given = training.arguments.get("x")
    spec = getattr(training.iterator, "element_spec", None) or getattr(given, "element_spec", ())
    return (batch.x,) if isinstance(spec, tuple) else batch.x


def _tensors_of(tf: Any, batch: Batch) -> Batch:
    """The same with tensors for arrays, and None for what Keras says to be none."""

    def one(part: Any) -> Any:
        if part is None or isinstance(part, tf.experimental.Optional):
            return None
        return tf.convert_to_tensor(part) if hasattr(part, "nbytes") else part

    def each(part: Any) -> Any:
        return None if part is None else tf.nest.map_structure(one, part)

    return Batch(each(batch.x), each(batch.y), each(batch.sample_weight))


@contextlib.contextmanager
def _quiet(context: Context) -> Iterator[None]:
    """What Keras warns of while the step runs once more, it has said in the training."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
