"""The photographs in TFRecord files once more; each file is read and decoded in the interleave."""

import os

import keras
import tensorflow as tf
from keras import layers

from photo_files import photo_shards

EPOCHS = int(os.environ.get("EPOCHS", "12"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32
IMAGE_SIZE = 80
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


def read_shard(path):
    records = tf.data.TFRecordDataset(path, buffer_size=1_000_000)
    return records.map(parse)


train_ds = tf.data.Dataset.list_files(photo_shards("train"), seed=SEED)
train_ds = train_ds.interleave(
    read_shard, cycle_length=4, block_length=8, num_parallel_calls=tf.data.AUTOTUNE
)
train_ds = train_ds.shuffle(200, seed=SEED)
train_ds = train_ds.batch(BATCH_SIZE)
train_ds = train_ds.prefetch(tf.data.AUTOTUNE)

val_ds = tf.data.Dataset.list_files(photo_shards("validation"), shuffle=False)
val_ds = val_ds.interleave(read_shard, cycle_length=4).batch(BATCH_SIZE)

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


class CountSteps(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


count = CountSteps()
history = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, callbacks=[count], verbose=2)
print("losses", history.history["loss"])
print("steps", count.steps)
