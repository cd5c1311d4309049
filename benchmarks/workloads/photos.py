"""Tell photographs of a temple from photographs of a flower: JPEG files from disk."""

import os

import keras
import tensorflow as tf
from keras import layers

from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", "15"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32
IMAGE_SIZE = 96

keras.utils.set_random_seed(SEED)


def decode(path, label):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    image = tf.image.resize(image, (IMAGE_SIZE, IMAGE_SIZE))
    return image / 255.0, label


def augment(image, label):
    image = tf.image.random_flip_left_right(image)
    image = tf.image.random_brightness(image, 0.1)
    return image, label


(train_paths, train_labels), (val_paths, val_labels) = photo_files()

train_ds = tf.data.Dataset.from_tensor_slices((train_paths, train_labels))
train_ds = train_ds.shuffle(len(train_paths), seed=SEED)
train_ds = train_ds.map(decode)
train_ds = train_ds.map(augment)
train_ds = train_ds.batch(BATCH_SIZE)

val_ds = tf.data.Dataset.from_tensor_slices((val_paths, val_labels)).map(decode).batch(BATCH_SIZE)

model = keras.Sequential(
    [
        layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
        layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        layers.Conv2D(32, 3, strides=2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])

os.makedirs("checkpoints", exist_ok=True)
callbacks = [
    keras.callbacks.ModelCheckpoint("checkpoints/photos.keras", save_best_only=True),
    keras.callbacks.CSVLogger("training.csv"),
]
history = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, callbacks=callbacks, verbose=2)
print("losses", history.history["loss"])
