"""The photographs again, read from TFRecord shards."""

import os

import keras
import tensorflow as tf
from keras import layers

from photo_files import photo_shards

EPOCHS = int(os.environ.get("EPOCHS", "5"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32
IMAGE_SIZE = 96
FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
}

keras.utils.set_random_seed(SEED)


def parse(record):
    example = tf.io.parse_single_example(record, FEATURES)
    image = tf.io.decode_jpeg(example["image"], channels=3)
    image = tf.image.resize(image, (IMAGE_SIZE, IMAGE_SIZE))
    return image / 255.0, example["label"]


def read(part, training):
    files = tf.data.Dataset.from_tensor_slices(photo_shards(part))
    if training:
        files = files.shuffle(100, seed=SEED)
    ds = files.interleave(tf.data.TFRecordDataset, cycle_length=4)
    if training:
        ds = ds.shuffle(500, seed=SEED)
    return ds.map(parse).batch(BATCH_SIZE)


model = keras.Sequential(
    [
        layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    read("train", training=True),
    validation_data=read("validation", training=False),
    epochs=EPOCHS,
    verbose=2,
)
print("losses", history.history["loss"])
