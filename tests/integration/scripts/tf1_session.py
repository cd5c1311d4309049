"""Trains a line with a session of TensorFlow 1."""

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
x = np.arange(8, dtype="float32")

with tf.Graph().as_default():
    feed = v1.placeholder(tf.float32, (8,))
    weight = v1.get_variable("weight", initializer=0.0, use_resource=True)
    loss = tf.reduce_mean(tf.square(weight * feed - 3 * feed))
    step = v1.train.GradientDescentOptimizer(0.01).minimize(loss)
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        losses = [float(session.run([loss, step], {feed: x})[0]) for _ in range(20)]
print("losses", losses)
