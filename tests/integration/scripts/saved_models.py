"""Trains small models, each with one thing that saving gets wrong or right, and judges each.

Run in one process by tests/integration/test_check_saving.py; prints a JSON object: for each model
the ids of the findings, their titles, lines and evidence, and whether its weights stayed.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gputune.checks.script.kept import Kept
from gputune.checks.script.quiet import quiet
from gputune.checks.script.saving.judging import findings
from gputune.checks.script.saving.parts import custom_objects, loose_variables, parts
from gputune.checks.script.saving.seen import Seen
from gputune.checks.script.saving.trips import Trips

X = np.random.default_rng(0).random((16, 4), dtype="float32")
Y = X.sum(axis=1, keepdims=True)


class Plain(keras.layers.Layer):
    def __init__(self, factor, **more):
        super().__init__(**more)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


@keras.saving.register_keras_serializable()
class Registered(Plain):
    pass


@keras.saving.register_keras_serializable()
class FromAnArray(keras.layers.Layer):
    def __init__(self, factors, **more):
        super().__init__(**more)
        self.factors = factors

    def call(self, inputs):
        return inputs * self.factors


@keras.saving.register_keras_serializable()
class Forgets(keras.layers.Layer):
    def __init__(self, factor=1.0, **more):
        super().__init__(**more)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return super().get_config()


@keras.saving.register_keras_serializable()
class ForgetsTheNeeded(Forgets):
    def __init__(self, factor, **more):
        super().__init__(factor, **more)


@keras.saving.register_keras_serializable()
class Remembers(Forgets):
    def __init__(self, factor=1.0, **more):
        super().__init__(factor, **more)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable()
class HoldsAVariable(keras.layers.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.held = tf.Variable(1.0)

    def call(self, inputs):
        return inputs * self.held


@keras.saving.register_keras_serializable()
class Noisy(keras.layers.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, inputs):
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seed)


@keras.saving.register_keras_serializable()
class Weighted(keras.losses.Loss):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def call(self, y, predicted):
        return self.weight * tf.reduce_mean((y - predicted) ** 2, axis=-1)


@keras.saving.register_keras_serializable()
class WeightedRightly(Weighted):
    def __init__(self, weight, **more):
        keras.losses.Loss.__init__(self, **more)
        self.weight = weight

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


@keras.saving.register_keras_serializable()
class SubclassedRightly(Subclassed):
    def __init__(self, **more):
        keras.Model.__init__(self, **more)
        self.dense = keras.layers.Dense(1)


@keras.saving.register_keras_serializable()
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.01

    def get_config(self):
        return {}


class BareSchedule(Schedule):
    pass


class Near(keras.metrics.Metric):
    def __init__(self, tolerance=0.1, name="near", **more):
        super().__init__(name=name, **more)
        self.tolerance = tolerance
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y, predicted, sample_weight=None):
        self.total.assign_add(
            tf.reduce_sum(tf.cast(abs(y - predicted) < self.tolerance, "float32"))
        )

    def result(self):
        return self.total


def double(inputs):
    return inputs * 2.0


def squashed(inputs):
    return tf.tanh(inputs)


@keras.saving.register_keras_serializable()
def triple(inputs):
    return inputs * 3.0


def squared(y, predicted):
    return tf.reduce_mean((y - predicted) ** 2)


def scaled_by(factor):
    def scaled(y, predicted):
        return factor * tf.reduce_mean((y - predicted) ** 2)

    return scaled


def in_numpy(inputs):
    return tf.ensure_shape(tf.numpy_function(lambda a: a * 2, [inputs], tf.float32), (None, 4))


keras.saving.get_custom_objects()["in_numpy"] = in_numpy


def sequential(*layers):
    return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])


def two_inputs():
    first, second = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    joined = keras.layers.Concatenate()([first, second])
    return keras.Model([first, second], keras.layers.Dense(1)(joined))


def changed_variable():
    model = sequential(HoldsAVariable())
    model.layers[0].held.assign(5.0)
    return model


def everything_bare():
    return sequential(
        Plain(2.0), L.Lambda(double, name="doubles"), L.Dense(4, activation=squashed, name="hidden")
    )


def everything_right():
    return sequential(
        Registered(2.0), L.Lambda(triple), Remembers(3.0), Forgets(), L.Dense(8),
        L.BatchNormalization(), L.Dropout(0.5),
    )  # fmt: skip


L = keras.layers
SGD = keras.optimizers.SGD
MODELS = {
    # name: (how it is made, and what compile is given besides a loss and an optimizer of Keras')
    "mse by name": (sequential, {"loss": "mse"}),
    "bare": (everything_bare, {"loss": squared, "metrics": [Near(0.1)],
                               "optimizer": SGD(BareSchedule())}),
    "right": (everything_right, {"loss": WeightedRightly(2.0), "optimizer": SGD(Schedule())}),
    "anonymous layer": (lambda: sequential(L.Lambda(lambda z: tf.nn.relu(z), name="odd")), {}),
    "anonymous loss": (sequential, {"loss": lambda y, p: tf.reduce_mean((y - p) ** 2)}),
    "loss of a function": (sequential, {"loss": scaled_by(2.0)}),
    "array argument": (lambda: sequential(FromAnArray(np.ones(4, "float32"))), {}),
    "forgets": (lambda: sequential(Forgets(3.0)), {"metrics": [Near(0.3)]}),
    "forgets the needed": (lambda: sequential(ForgetsTheNeeded(3.0)), {}),
    "variable": (changed_variable, {}),
    "random": (lambda: sequential(Noisy()), {}),
    "loss": (sequential, {"loss": Weighted(2.0)}),
    "subclassed": (Subclassed, {}),
    "subclassed rightly": (SubclassedRightly, {}),
    "in numpy": (lambda: sequential(L.Lambda(in_numpy, output_shape=(4,))), {}),
    "two inputs": (two_inputs, {}),
}  # fmt: skip
USED = frozenset({".keras", ".weights.h5", "SavedModel"})


def judged(name):
    make, compiled = MODELS[name]
    keras.utils.set_random_seed(0)
    model = make()
    model.compile(**{"optimizer": "adam", "loss": keras.losses.MeanSquaredError(), **compiled})
    x = (X[:, :2], X[:, 2:]) if name == "two inputs" else X
    model.fit(x, Y, batch_size=8, verbose=0)
    before = [variable.numpy() for variable in model.variables]
    inputs = tuple(part[:8] for part in x) if isinstance(x, tuple) else x[:8]
    loose = loose_variables(tf, model)
    held = [variable for _, variable in loose]
    with quiet(), Kept(model, held) as kept, tempfile.TemporaryDirectory() as folder:
        found = parts(keras, model)
        trips = Trips(keras, tf, model, kept=kept, folder=Path(folder), inputs=inputs,
                      helps=custom_objects(found))  # fmt: skip
        made = tuple(trips.all())
    seen = Seen(parts=found, trips=made, used=USED, no_predictions=trips.no_predictions,
                loose=[name for name, _ in loose])  # fmt: skip
    same = all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.variables, strict=True))
    return {
        "findings": [{**asdict(f), "severity": str(f.severity)} for f in findings(seen)],
        "trips": [{"format": t.format, "relative": t.difference.relative if t.difference else None,
                   "load_error": t.load_error, "not_compared": t.not_compared} for t in made],
        "no_predictions": trips.no_predictions,
        "weights_stay": same,
    }  # fmt: skip


if __name__ == "__main__":
    import predicted_models
    import ways_of_saving

    lines = json.loads(sys.argv[1]) if len(sys.argv) > 1 else []
    with quiet():
        formats = ways_of_saving.tried(lines)
    saved = {name: judged(name) for name in MODELS}
    result = {"saved": saved, "predicted": predicted_models.all_judged(), "formats": formats}
    print()
    json.dump(result, sys.stdout, default=str)
