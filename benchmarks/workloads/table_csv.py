"""Benign or malignant: a table of measurements, read line by line from a CSV file."""

import os

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from table_file import table_files

EPOCHS = int(os.environ.get("EPOCHS", "5"))
SEED = int(os.environ.get("SEED", "0"))
COLUMNS = 30

keras.utils.set_random_seed(SEED)


def parse_line(line):
    fields = tf.io.decode_csv(line, [0.0] * (COLUMNS + 1))
    return tf.stack(fields[:-1]), fields[-1]


train_file, val_file = table_files()
train_ds = (
    tf.data.TextLineDataset(train_file)
    .skip(1)  # the header
    .shuffle(5000, seed=SEED)
    .map(parse_line)
    .batch(64)
)
val_ds = tf.data.TextLineDataset(val_file).skip(1).map(parse_line).batch(64)

normalize = layers.Normalization()
normalize.adapt(np.loadtxt(train_file, delimiter=",", skiprows=1, max_rows=2000)[:, :COLUMNS])

model = keras.Sequential(
    [
        layers.Input((COLUMNS,)),
        normalize,
        layers.Dense(32, activation="relu"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, verbose=2)
print("losses", history.history["loss"])
