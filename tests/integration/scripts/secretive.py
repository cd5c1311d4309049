"""A script that is given secrets on its command line and in its environment, and uses them."""

import argparse
import functools
import os

import keras
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--api-key")
parser.add_argument("--token")
parser.add_argument("--database")
parser.add_argument("--note")
given = parser.parse_args()
assert os.environ["DB_PASSWORD"] and os.environ["TF_TOKEN_EXAMPLE_ORG"]


def tag(number, token):
    return tf.reshape(tf.cast(number, "float32"), (1,)), tf.zeros((1,)) + len(token)


ds = tf.data.Dataset.range(4096).map(functools.partial(tag, token=given.token)).batch(8)
model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(ds, epochs=200, verbose=0)
