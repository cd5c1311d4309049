"""A pipeline made step by step, another one for validation, and one `fit`."""

import os

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
EPOCHS = int(os.environ["EPOCHS"])
x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
y = x.sum(1, keepdims=True)


def double(a, b):
    return 2 * a, b


train = tf.data.Dataset.from_tensor_slices((x, y))
train = train.shuffle(256, seed=0)
mapped = train.map(double)
train = mapped.batch(16)

val = tf.data.Dataset.from_tensor_slices((x[:64], y[:64])).map(double)
val_kind = type(val).__name__
val = val.batch(16)

model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(1e-2), "mse")
history = model.fit(
    train,
    validation_data=val,
    epochs=EPOCHS,
    callbacks=[keras.callbacks.CSVLogger("log.csv")],
    verbose=0,
)
print("losses", history.history["loss"], history.history["val_loss"])
print("iterations", int(model.optimizer.iterations), model.dtype_policy.name)
print("kinds", type(mapped).__name__, type(train).__name__, val_kind, type(val).__name__)
