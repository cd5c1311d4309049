"""A training whose arithmetic is known, chosen by CASE; prints its losses, STEPS of them."""

import os

import keras
import numpy as np
import tensorflow as tf

CASE, STEPS = os.environ["CASE"], int(os.environ["STEPS"])
if CASE == "mirrored":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
if CASE == "mixed":
    keras.mixed_precision.set_global_policy("mixed_float16")
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
L = keras.layers
INPUTS = {"conv": (32, 32, 3), "attention": (12, 8), "lstm": (12, 8)}
OUTPUTS = {"attention": (12, 8), "embedding": (4,), "lstm": (6,), "conv": (4,)}
BATCH = 16


def layers():
    if CASE == "conv":
        return [
            L.Conv2D(8, 3, strides=2, padding="same"), L.BatchNormalization(), L.ReLU(),
            L.Conv2D(16, 3, use_bias=False), L.DepthwiseConv2D(3), L.GlobalAveragePooling2D(),
            L.Dense(4),
        ]  # fmt: skip
    if CASE == "embedding":
        return [L.Embedding(50, 6), L.GlobalAveragePooling1D(), L.Dense(4)]
    if CASE == "lstm":
        return [L.LSTM(6)]
    last = {"dtype": "float32"} if CASE == "mixed" else {}
    return [L.Dense(20, activation="relu"), L.Dense(30), L.Dense(3, **last)]


def build():
    if CASE == "attention":
        given = L.Input((12, 8))
        return keras.Model(given, L.Dense(8)(L.MultiHeadAttention(2, 5)(given, given)))
    return keras.Sequential(layers())


shape, target = INPUTS.get(CASE, (10,)), OUTPUTS.get(CASE, (3,))
x = rng.integers(0, 50, size=(64, *shape)).astype("uint8")
y = rng.normal(size=(64, *target)).astype("float32")
if CASE == "embedding":
    x = x.astype("int32")


def as_floats(a, b):
    return tf.cast(a, tf.float32) / 255.0, b


ds = tf.data.Dataset.from_tensor_slices((x, y))
if CASE != "embedding":
    ds = ds.map(as_floats)
if CASE == "wide":
    ds = ds.map(lambda a, b: (tf.cast(a, tf.float64), b))
ds = ds.batch(BATCH, drop_remainder=CASE == "static").repeat()


def fit(model, **compiling):
    model.compile("sgd", "mse", **compiling)
    return model.fit(ds, steps_per_epoch=20, epochs=STEPS // 20, verbose=0).history["loss"]


def in_a_loop(model, optimizer):
    @tf.function
    def train_step(a, b):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(a) - b))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return train_step


def loop():
    train_step = in_a_loop(build(), keras.optimizers.SGD())
    return [float(train_step(a, b)) for a, b in ds.take(STEPS)]


def two_functions():
    """A pair, as of a GAN: the second function is called twice in a step."""
    one = in_a_loop(build(), keras.optimizers.SGD())
    other = in_a_loop(keras.Sequential([L.Dense(7), L.Dense(3)]), keras.optimizers.SGD())
    losses = []
    for a, b in ds.take(STEPS):
        losses.append(float(one(a, b)))
        losses += [float(other(a, b)) for _ in range(2)]
    return losses


def eager():
    model, optimizer = build(), keras.optimizers.SGD()
    losses = []
    for a, b in ds.take(STEPS):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(a) - b))
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        losses.append(float(loss))
    return losses


def on_batch():
    model = build()
    model.compile("sgd", "mse")
    return [float(model.train_on_batch(a, b)) for a, b in ds.take(STEPS)]


def mirrored():
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = build()
        model.compile("sgd", "mse")
    return model.fit(ds, steps_per_epoch=20, epochs=STEPS // 20, verbose=0).history["loss"]


CASES = {"loop": loop, "two": two_functions, "eager": eager, "on_batch": on_batch,
         "mirrored": mirrored, "lstm": lambda: fit(build(), jit_compile=False),
         "spe": lambda: fit(build(), steps_per_execution=4),
         "jit": lambda: fit(build(), jit_compile=True)}  # fmt: skip
print("losses", CASES.get(CASE, lambda: fit(build()))())
