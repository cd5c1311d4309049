"""One loop written by hand, chosen by STYLE, over data that is slow to come; it never ends."""

import os

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.data.experimental.ops import testing

keras.utils.set_random_seed(0)
x = np.random.normal(size=(256, 8)).astype("float32")
y = x.sum(1, keepdims=True)


def slowly(dataset):
    return dataset.apply(testing.sleep(20000))


dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(16).repeat()
dataset = slowly(dataset)
model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
optimizer = keras.optimizers.SGD()


def update(a, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(a) - b))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)


@tf.function
def train_step(a, b):
    update(a, b)


@tf.function
def take_step(iterator):
    update(*next(iterator))


def in_python():
    for a, b in dataset:
        train_step(a, b)


def given_the_iterator():
    iterator = iter(dataset)
    while True:
        take_step(iterator)


def eager():
    # Its step takes 6 ms here, and more than the sleep on a machine that is busy: behind the
    # prefetch that TensorFlow puts in there would rightly be no wait to find.
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False
    for a, b in dataset.with_options(options):
        update(a, b)


def on_batch():
    model.compile(optimizer, "mse")
    for a, b in dataset:
        model.train_on_batch(a, b)


def short_epochs():
    while True:
        for a, b in slowly(tf.data.Dataset.from_tensor_slices((x, y)).batch(16)):
            train_step(a, b)


def slices():
    while True:
        for start in range(0, len(x), 16):
            train_step(tf.constant(x[start : start + 16]), tf.constant(y[start : start + 16]))


try:
    globals()[os.environ["STYLE"]]()
finally:
    print("never here")
