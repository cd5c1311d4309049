"""A callback that fails amid training, in a helper of the script."""

import keras
import numpy as np

keras.utils.set_random_seed(0)


class Bad(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 3:
            raise RuntimeError("the user's own")


def train(model):
    x = np.ones((64, 2), "float32")
    model.fit(x, x, batch_size=4, epochs=2, callbacks=[Bad()], verbose=0)


model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(2)])
model.compile("sgd", "mse")
train(model)
