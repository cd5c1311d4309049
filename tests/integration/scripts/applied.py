"""Trains from several files with a pipeline that has a place for every knob."""

import os

import keras
import numpy as np
import tensorflow as tf

import gputune

keras.utils.set_random_seed(int(os.environ.get("SEED", "0")))
ROWS = 32  # of a batch


def read(number):
    return tf.data.Dataset.range(64).map(lambda i: tf.cast(i + number, tf.float32))


def widen(value):
    x = tf.fill([16], value)
    return x, value


ds = tf.data.Dataset.range(8)
ds = ds.interleave(read, cycle_length=2)
ds = ds.shuffle(64)
ds = ds.map(widen).batch(ROWS, drop_remainder=True)  # each element by itself
width = gputune.knob("width", 8)
model = keras.Sequential([keras.layers.Dense(width, activation="relu"), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(learning_rate=1e-6), loss="mse")
history = model.fit(ds, epochs=int(os.environ.get("EPOCHS", "400")), verbose=0)
print("losses", [float(np.float32(loss)).hex() for loss in history.history["loss"][-3:]])
print("dtype", model.layers[0].compute_dtype)
