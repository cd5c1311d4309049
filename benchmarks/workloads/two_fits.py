"""Train a new head on a frozen base, then fine-tune the whole network: two fits."""

import os

import keras
import tensorflow as tf
from keras import layers
from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", "3"))
SEED = int(os.environ.get("SEED", "0"))
IMAGE_SIZE = 96

keras.utils.set_random_seed(SEED)


def decode(path, label):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(image, (IMAGE_SIZE, IMAGE_SIZE)), label


def read(paths, labels, training=False):
    ds = tf.data.Dataset.from_tensor_slices((paths, labels))
    if training:
        ds = ds.shuffle(len(paths), seed=SEED)
    return ds.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(32).prefetch(1)


def make_base():
    base = keras.Sequential([layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3))], name="base")
    base.add(layers.Rescaling(1 / 127.5, offset=-1))
    base.add(layers.Conv2D(16, 3, strides=2, activation="relu"))
    for filters in (32, 64):
        base.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        base.add(layers.BatchNormalization())
        base.add(layers.ReLU())
        base.add(layers.MaxPooling2D())
    base.add(layers.GlobalAveragePooling2D())
    return base


train, validation = photo_files()
train_ds, val_ds = read(*train, training=True), read(*validation)

base = make_base()  # random filters: there are no weights to download here
base.trainable = False
model = keras.Sequential([base, layers.Dropout(0.2), layers.Dense(1, activation="sigmoid")])

model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["accuracy"])
head = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, verbose=2)

base.trainable = True
model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
fine = model.fit(
    train_ds, validation_data=val_ds, initial_epoch=EPOCHS, epochs=2 * EPOCHS, verbose=2
)
print("losses", head.history["loss"] + fine.history["loss"])
