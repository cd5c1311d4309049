"""One long fit of the style that STYLE names."""

import os

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(4000, 16)).astype("float32")
y = x.sum(1, keepdims=True)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 250

    def __getitem__(self, index):
        rows = slice(16 * index, 16 * index + 16)
        return x[rows], y[rows]


def endless():
    while True:
        for start in range(0, 4000, 16):
            yield x[start : start + 16], y[start : start + 16]


def samples():
    yield from zip(x, y, strict=True)


def once():
    for _ in range(1000):
        yield from zip(x, y, strict=True)


def generated(function):
    signature = tf.TensorSpec((16,), tf.float32), tf.TensorSpec((1,), tf.float32)
    return tf.data.Dataset.from_generator(function, output_signature=signature).batch(16)


style = os.environ["STYLE"]
options, arguments = {}, {}
if style == "arrays":
    arguments = {"x": x, "y": y, "batch_size": 16, "validation_split": 0.1}
elif style == "execution":
    # 250 batches: 8 does not divide them.
    options = {"steps_per_execution": 8}
    arguments = {"x": tf.data.Dataset.from_tensor_slices((x, y)).batch(16)}
elif style == "generator":
    arguments = {"x": endless(), "steps_per_epoch": 250}
elif style == "pydataset":
    arguments = {"x": Batches(workers=2)}
elif style == "unknown":
    arguments = {"x": generated(samples)}
elif style == "one epoch":
    arguments = {"x": generated(once)}
elif style == "eager":
    options = {"run_eagerly": True}
    arguments = {
        "x": tf.data.Dataset.from_tensor_slices((x, y)).batch(16).repeat(),
        "steps_per_epoch": 100,
    }

model = keras.Sequential([keras.layers.Input((16,)), keras.layers.Dense(32), keras.layers.Dense(1)])
model.compile("sgd", "mse", **options)
print("begins", style, flush=True)
model.fit(**arguments, epochs=1 if style == "one epoch" else 1000, verbose=0)
print("never here")
