"""Trains a small model for some seconds, and prints its losses to the last bit.

With OWN_CHOICE it chooses its GPU itself, as many scripts do.
"""

import os

if "OWN_CHOICE" in os.environ:
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ["OWN_CHOICE"]

import keras
import numpy as np

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(4000, 16)).astype("float32")
y = x.sum(1, keepdims=True)
model = keras.Sequential([keras.layers.Input((16,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
history = model.fit(x, y, batch_size=8, epochs=4, verbose=0)
print("losses", [float(loss).hex() for loss in history.history["loss"]])
