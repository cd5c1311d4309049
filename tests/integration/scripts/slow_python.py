"""A second fit that waits for Python in its input, through a helper that two lines call."""

import time

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
y = x.sum(1, keepdims=True)


def slowly(row):
    time.sleep(0.002)
    return row


def read(count):
    ds = tf.data.Dataset.from_tensor_slices((x[:count], y[:count]))
    ds = ds.map(  # the culprit
        lambda a, b: (tf.ensure_shape(tf.py_function(slowly, [a], tf.float32), (4,)), b)
    )
    return ds.batch(8)


validation = read(16)
training = read(320)  # the caller

model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, y, epochs=1, batch_size=32, verbose=0)
try:
    model.fit(training, validation_data=validation, epochs=200, verbose=0)
except BaseException:
    print("caught")
finally:
    print("finally")
print("never here")
