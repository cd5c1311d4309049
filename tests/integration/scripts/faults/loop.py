"""Two short loops written by hand that touch everything gputune hooks of such loops."""

import os

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
EPOCHS = int(os.environ["EPOCHS"])

x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
ds = tf.data.Dataset.from_tensor_slices((x, x.sum(1, keepdims=True))).shuffle(64, seed=0).batch(16)

strategy = tf.distribute.MirroredStrategy(["CPU:0"])
with strategy.scope():
    model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD()
plain = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1)])
plain.compile("sgd", "mse")


def replica_step(a, b):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(a) - b))
    weights = model.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


@tf.function
def train_step(a, b):
    return strategy.run(replica_step, args=(a, b))


losses = []
for _ in range(EPOCHS):
    for a, b in strategy.experimental_distribute_dataset(ds):
        losses.append(float(train_step(a, b)))
    plain.evaluate(ds, verbose=0)

weight = tf.Variable(tf.zeros((8, 1)))
for a, b in ds.repeat(EPOCHS):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(tf.matmul(a, weight) - b))
    weight.assign_sub(0.05 * tape.gradient(loss, weight))
    losses.append(float(loss))

losses += plain.fit(ds, epochs=1, verbose=0).history["loss"]
print("losses", losses, float(tf.reduce_sum(weight)))
