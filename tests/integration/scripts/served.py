"""Trains a small model, and says to the file $SEEN how each of its fits began."""

import json
import os
import pathlib
import random
import threading
import time

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(7)
FAIL_ABOVE = int(os.environ.get("FAIL_ABOVE", "0"))


class Seen(keras.callbacks.Callback):
    validated = None  # batches in the last validation

    def on_test_begin(self, logs=None):
        self.batches = 0

    def on_test_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_test_end(self, logs=None):
        self.validated = self.batches

    def on_train_begin(self, logs=None):
        model = self.model
        self.row = {
            "weights": [float(np.abs(w).sum()) for w in model.get_weights()],
            "iterations": int(model.optimizer.iterations),
            "momenta": [
                float(np.abs(keras.ops.convert_to_numpy(v)).sum())
                for v in model.optimizer.variables
            ],
            "random": [random.random(), float(np.random.rand())],
            "steps_per_execution": model.steps_per_execution,
            "threads": threading.active_count(),
            "validated": self.validated,
        }

    def on_train_batch_end(self, batch, logs=None):
        if self.row is not None:
            self.row["rows"] = self.model.rows
            with pathlib.Path(os.environ["SEEN"]).open("a") as file:
                print(json.dumps(self.row), file=file)
            self.row = None


def widen(x, y):
    return tf.concat([x, x * 2.0], 0), y


def fail():
    how = os.environ.get("FAIL_HOW")
    if how == "hang":
        time.sleep(1000)
    if how == "raise":
        raise ValueError("such a batch is not to be had")
    raise tf.errors.ResourceExhaustedError(
        None, None, "OOM when allocating tensor; trying to allocate 1.5GiB"
    )


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.wide = keras.layers.Dense(64, activation="relu")
        self.drop = keras.layers.Dropout(0.5)
        self.out = keras.layers.Dense(1)
        self.rows = None

    def call(self, x, training=False):
        self.rows = x.shape[0]
        if FAIL_ABOVE and x.shape[0] is not None and x.shape[0] > FAIL_ABOVE:
            fail()
        return self.out(self.drop(self.wide(x), training=training))


rows = np.random.default_rng(0).random((8192, 16), dtype=np.float32)
data = tf.data.Dataset.from_tensor_slices((rows, rows[:, :1]))
data = data.shuffle(1024)
data = data.map(widen)
data = data.batch(32, drop_remainder=True)
held_out = np.concatenate([rows, rows * 2.0], 1)[:320], rows[:320, :1]
if os.environ.get("HELD_OUT") != "arrays":
    held_out = tf.data.Dataset.from_tensor_slices(held_out).batch(32)
model = Model()
model.compile(keras.optimizers.Adam(float(os.environ.get("RATE", "0.001"))), "mse")
model.fit(
    data, validation_data=held_out, validation_steps=5, epochs=1000, verbose=0, callbacks=[Seen()]
)
