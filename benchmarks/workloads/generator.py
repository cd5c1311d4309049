"""Photographs held in memory, augmented with NumPy in a Python generator."""

import os

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image

from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", "5"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32
IMAGE_SIZE = 96

keras.utils.set_random_seed(SEED)
rng = np.random.default_rng(SEED)


def load(path):
    image = Image.open(path).resize((IMAGE_SIZE, IMAGE_SIZE), Image.BILINEAR)
    return np.asarray(image, dtype="float32") / 255.0


def augment(image):
    if rng.random() < 0.5:
        image = image[:, ::-1]
    image = np.roll(image, rng.integers(-8, 9, size=2), axis=(0, 1))
    image = image ** rng.uniform(0.7, 1.4)  # gamma
    image = image + rng.normal(0.0, 0.03, image.shape)
    return np.clip(image, 0.0, 1.0).astype("float32")


(train_paths, train_labels), (val_paths, val_labels) = photo_files()
x_train, y_train = np.stack([load(path) for path in train_paths[:800]]), train_labels[:800]
x_val, y_val = np.stack([load(path) for path in val_paths]), val_labels


def samples():
    for index in rng.permutation(len(x_train)):
        yield augment(x_train[index]), y_train[index]


train_ds = tf.data.Dataset.from_generator(
    samples,
    output_signature=(
        tf.TensorSpec((IMAGE_SIZE, IMAGE_SIZE, 3), tf.float32),
        tf.TensorSpec((), tf.int32),
    ),
).batch(BATCH_SIZE)

model = keras.Sequential(
    [
        layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
        layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(train_ds, validation_data=(x_val, y_val), epochs=EPOCHS, verbose=2)
print("losses", history.history["loss"])
