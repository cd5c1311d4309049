"""A loop written by hand whose batches have another length each."""

import keras
import numpy as np
import tensorflow as tf

model = keras.Sequential([keras.layers.LSTM(4), keras.layers.Dense(1)])
optimizer = keras.optimizers.SGD(0.01)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x) - y) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


for number in range(2000):
    x = tf.constant(np.ones((8, 5 + number % 25, 3), "float32"))
    step(x, tf.zeros((8, 1)))
print("trained to the end")
