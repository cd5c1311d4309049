"""What the constructions share: data, a model of chosen cost, the arguments, and the training."""

from __future__ import annotations

import argparse
import json
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

FEATURES = 32
ROWS = 4096
MODEL_SIDE = 128
INPUT_SIDE = 48
FOREVER = 10**7
STYLES = ("fit", "loop", "iterator", "eager", "on-batch")


def burn(value, loops, side=INPUT_SIDE):
    """Keep a core busy with `loops` products of side x side matrices; return a scalar near 0.

    The matrices are stochastic, so that the products neither grow nor vanish, and the outcome
    hangs on `value`, so that nothing can be folded away.
    """
    start = tf.fill((side, side), 1.0 / side) + 1e-12 * tf.reduce_mean(value)
    _, end = tf.while_loop(
        lambda i, _: i < loops,
        lambda i, m: (i + 1, tf.matmul(m, m)),
        (tf.constant(0), start),
        shape_invariants=(tf.TensorShape(()), tf.TensorShape((side, side))),
    )
    return 1e-12 * tf.reduce_mean(end)


class Work(keras.layers.Layer):
    """A layer that costs `loops` matrix products and changes its input by nothing to speak of."""

    def __init__(self, loops):
        super().__init__()
        self.loops = loops

    def call(self, inputs):
        """Return `inputs` after the work."""
        return inputs + tf.stop_gradient(burn(inputs, self.loops, MODEL_SIDE))


def build_model(args):
    """A small classifier whose step costs `args.model_loops` matrix products more."""
    model = keras.Sequential(
        [
            keras.layers.Input((FEATURES,)),
            keras.layers.Dense(64, activation="relu"),
            Work(args.model_loops),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, steps_per_execution=args.steps_per_execution)
    return model


def arrays(rows=ROWS):
    """Random features (rows, FEATURES) float32 and labels (rows,) int32."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(rows, FEATURES)).astype("float32")
    return features, generator.integers(0, 10, rows).astype("int32")


def rows():
    """An endless dataset of (features, label)."""
    return tf.data.Dataset.from_tensor_slices(arrays()).repeat()


def between(dataset, what):
    """Put `what` between two stages: `none`, `shuffle`, `options` or `prefetch`."""
    if what == "shuffle":
        return dataset.shuffle(32, seed=1)
    if what == "options":
        options = tf.data.Options()
        options.deterministic = True
        return dataset.with_options(options)
    if what == "prefetch":
        return dataset.prefetch(2)
    return dataset


class StepTimes(keras.callbacks.Callback):
    """Keeps the time of each step's end and writes them to a file when training ends."""

    def __init__(self, path):
        super().__init__()
        self.path = Path(path)
        self.times_s = []

    def on_train_batch_end(self, batch, logs=None):
        """Note the time."""
        self.times_s.append(time.perf_counter())

    def on_train_end(self, logs=None):
        """Write the times, seconds on an arbitrary clock, as JSON."""
        self.path.write_text(json.dumps(self.times_s))


def arguments(description, add_arguments):
    """The parser of a construction: its own arguments and those of all."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--model-loops", type=int, default=20)
    parser.add_argument("--steps-per-execution", type=int, default=1)
    parser.add_argument("--style", default="fit", choices=STYLES, help="how it is trained")
    parser.add_argument("--steps", type=int, default=FOREVER, help="training steps in all")
    parser.add_argument("--clock", help="write the time of each step's end to this file")
    parser.add_argument("--tensorboard", help="log folder of Keras' TensorBoard callback")
    parser.add_argument("--profile-batch", default="60,90", help="FIRST,LAST step it profiles")
    add_arguments(parser)
    return parser


def callbacks(args):
    """The callbacks that the command line asks for."""
    chosen = [StepTimes(args.clock)] if args.clock else []
    if args.tensorboard:
        first, last = (int(part) for part in args.profile_batch.split(","))
        board = keras.callbacks.TensorBoard(args.tensorboard, profile_batch=(first, last))
        chosen.insert(0, board)
    return chosen


def update(model, features, labels):
    """One step by hand: the gradient of the loss, applied."""
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=features, y=labels, y_pred=model(features, training=True))
    weights = model.trainable_variables
    model.optimizer.apply(tape.gradient(loss, weights), weights)


_steps: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
"""The training function of each model and style, so that nothing is traced twice."""


def step_function(model, style):
    """What a loop of this style calls for each step."""

    def on_batch(features, labels):
        update(model, features, labels)

    def on_iterator(iterator):
        update(model, *next(iterator))

    of_model = _steps.setdefault(model, {})
    if style not in of_model:
        made = {"eager": on_batch, "on-batch": model.train_on_batch}
        if style == "iterator":
            made[style] = tf.function(on_iterator)
        of_model[style] = made.get(style) or tf.function(on_batch)
    return of_model[style]


def train_by_hand(model, dataset, args, chosen):
    """A loop as a user writes it, in the style `args.style`."""
    step = step_function(model, args.style)
    model.stop_training = False
    for callback in chosen:
        callback.set_model(model)
    iterator = iter(dataset)
    for number in range(args.steps):
        if args.style == "iterator":
            step(iterator)
        else:
            step(*next(iterator))
        for callback in chosen:
            callback.on_train_batch_end(number)
        if model.stop_training:
            break
    for callback in chosen:
        callback.on_train_end()


def train(model, data, args, extra=()):
    """Fit `model` on `data`, a dataset or a pair of arrays, for `args.steps` steps."""
    if args.style != "fit":
        train_by_hand(model, data, args, [*callbacks(args), *extra])
        return None
    options = {"verbose": 2, "callbacks": [*callbacks(args), *extra]}
    if isinstance(data, tuple):
        epochs = max(1, args.steps // (len(data[0]) // args.batch))
        return model.fit(*data, batch_size=args.batch, epochs=epochs, **options)
    return model.fit(data, steps_per_epoch=args.steps, epochs=1, **options)


def main(
    description: str | None,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    build_dataset: Callable[[argparse.Namespace], object],
) -> None:
    """Run a construction as a script: parse, build, train."""
    args = arguments(description, add_arguments).parse_args()
    keras.utils.set_random_seed(0)
    train(build_model(args), build_dataset(args), args)
