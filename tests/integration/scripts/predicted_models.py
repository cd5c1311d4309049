"""Small models, each with one thing that predictions get wrong or right; see saved_models.py."""

from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf

from gputune.checks.script.kept import Kept
from gputune.checks.script.predictions.cases import ask
from gputune.checks.script.predictions.judging import findings
from gputune.checks.script.quiet import quiet

X = np.random.default_rng(0).random((16, 4), dtype="float32")
L = keras.layers


class Of(L.Layer):
    """A layer that is one function."""

    def __init__(self, function, **more):
        super().__init__(**more)
        self.function = function

    def call(self, inputs):
        return self.function(inputs)


class AlwaysTraining(L.Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs, training=True)


class OneAfterAnother(keras.Model):
    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def call(self, inputs, training=None):
        for part in self.parts:
            inputs = part(inputs)
        return inputs


def fixed_size(inputs):
    return tf.reshape(inputs, (16, 2, 2))


def any_size(inputs):
    return tf.reshape(inputs, (-1, 2, 2))


def unit(inputs):
    return inputs / tf.norm(inputs, axis=1, keepdims=True)


def unit_safe(inputs):
    return tf.math.divide_no_nan(inputs, tf.norm(inputs, axis=1, keepdims=True))


def softmax_by_hand(inputs):
    powers = tf.exp(inputs * 50)
    return powers / tf.reduce_sum(powers, axis=1, keepdims=True)


MODELS = {
    "dense": lambda: [L.Dense(3), L.BatchNormalization(), L.Dropout(0.5), L.Dense(1)],
    "fixed size": lambda: [Of(fixed_size)],
    "any size": lambda: [Of(any_size)],
    "squeezed": lambda: [L.Dense(1), Of(tf.squeeze)],
    "squeezed rightly": lambda: [L.Dense(1), Of(lambda z: tf.squeeze(z, axis=-1))],
    "norm in training": lambda: [AlwaysTraining(L.BatchNormalization()), L.Dense(1)],
    "mean of the batch": lambda: [Of(lambda z: z - tf.reduce_mean(z, axis=0))],
    "mean of the sample": lambda: [Of(lambda z: z - tf.reduce_mean(z, axis=1, keepdims=True))],
    "random": lambda: [AlwaysTraining(L.Dropout(0.5))],
    "unit": lambda: [Of(unit)],
    "unit, safe": lambda: [Of(unit_safe)],
    "softmax by hand": lambda: [Of(softmax_by_hand)],
    "softmax": lambda: [L.Softmax()],
    "not a number": lambda: [Of(lambda z: z * float("nan"))],
    "fixed input": lambda: [keras.Input(batch_shape=(16, 4)), Of(fixed_size)],
    "fixed input that does not bind": lambda: [keras.Input(batch_shape=(16, 4)), L.Dense(1)],
}


def judged(name):
    keras.utils.set_random_seed(0)
    layers = MODELS[name]()
    fixed = isinstance(layers[0], keras.KerasTensor)
    model = keras.Sequential(layers) if fixed else OneAfterAnother(layers)
    model(X)
    before = [variable.numpy() for variable in model.variables]
    with quiet(), Kept(model):
        asked = ask(model, tf.constant(X))
    same = all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.variables, strict=True))
    found = [{**asdict(f), "severity": str(f.severity)} for f in findings(asked, "float32", None)]
    return {"findings": found, "weights_stay": same}


def all_judged():
    return {name: judged(name) for name in MODELS}
