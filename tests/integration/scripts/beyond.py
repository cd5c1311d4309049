"""A slow callback, validation, a function that is traced again, and a list that grows.

The callbacks take their own time, so that a busy machine moves what is expected, too.
"""

import time
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

ROWS, BATCH, EPOCHS = 60 * 32 - 15, 32, 8
kept = []
own = {"Slow.step": [], "Slow.test": [], "Slow.epoch": [], "Norms.step": []}


@contextmanager
def timed(name):
    start = time.perf_counter()
    yield
    own[name].append(time.perf_counter() - start)


@tf.function
def norm(x):
    return tf.reduce_sum(x * x)


class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        with timed("Slow.step"):
            time.sleep(0.003)
            kept.append(np.ones(125_000))  # 1 MB

    def on_test_batch_end(self, batch, logs=None):
        with timed("Slow.test"):
            time.sleep(0.005)

    def on_epoch_end(self, epoch, logs=None):
        with timed("Slow.epoch"):
            time.sleep(0.2)


class Norms(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        with timed("Norms.step"):
            time.sleep(0.005)
            last = batch == self.params["steps"] - 1
            norm(tf.zeros((17 if last else 32, 10)))


keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x, y = rng.random((ROWS, 10), dtype="float32"), rng.random((ROWS, 1), dtype="float32")
train = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH)
val = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH).take(20)
model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(8), keras.layers.Dense(1)])
model.compile("sgd", "mse")
history = model.fit(
    train, validation_data=val, epochs=EPOCHS, verbose=2, callbacks=[Slow(), Norms()]
)
print("losses", [loss.hex() for loss in history.history["loss"]])
for name, took in own.items():
    print("own", name, sum(took) / (EPOCHS if name in ("Slow.test", "Slow.epoch") else len(took)))
