"""Train a new head on a frozen base, then fine-tune the whole network: two fits."""

import os

import keras
import tensorflow as tf
from keras import layers
from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", 3))
SEED = int(os.environ.get("SEED", 0))
IMAGE_SIZE = 96

keras.utils.set_random_seed(SEED)


def decode(path, label):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(image, (IMAGE_SIZE, IMAGE_SIZE)), label


def read(paths, labels, training=False):
    ds = tf.data.Dataset.from_tensor_slices((paths, labels))
    if training:
        ds = ds.shuffle(len(paths), seed=SEED)
    return ds.map(decode, num_parallel_calls=2).batch(32).prefetch(1)


train, validation = photo_files()
train_ds, val_ds = read(*train, training=True), read(*validation)

# weights="imagenet" where there is a network to fetch them from
base = keras.applications.MobileNetV2((IMAGE_SIZE, IMAGE_SIZE, 3), 0.35, False, weights=None)
base.trainable = False

inputs = layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3))
x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
x = base(x, training=False)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)

model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", metrics=["accuracy"])
head = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, verbose=2)

base.trainable = True
model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
fine = model.fit(
    train_ds, validation_data=val_ds, initial_epoch=EPOCHS, epochs=2 * EPOCHS, verbose=2
)
print("losses", head.history["loss"] + fine.history["loss"])
