"""Temple or flower again, trained by a loop written by hand around a `tf.function`."""

import os

import keras
import tensorflow as tf
from keras import layers

from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", "12"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32
IMAGE_SIZE = 96

keras.utils.set_random_seed(SEED)


def decode(path, label):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    image = tf.image.resize(image, (IMAGE_SIZE, IMAGE_SIZE))
    return image / 255.0, label


(train_paths, train_labels), (val_paths, val_labels) = photo_files()

train_ds = tf.data.Dataset.from_tensor_slices((train_paths, train_labels))
train_ds = train_ds.shuffle(len(train_paths), seed=SEED)
train_ds = train_ds.map(decode)
train_ds = train_ds.batch(BATCH_SIZE)

val_ds = tf.data.Dataset.from_tensor_slices((val_paths, val_labels)).map(decode).batch(BATCH_SIZE)

model = keras.Sequential(
    [
        layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        layers.Conv2D(32, 3, strides=2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
    ]
)
optimizer = keras.optimizers.Adam(1e-3)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_loss = keras.metrics.Mean()
val_loss = keras.metrics.Mean()
val_accuracy = keras.metrics.SparseCategoricalAccuracy()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y, model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    train_loss.update_state(loss)


@tf.function
def val_step(x, y):
    logits = model(x, training=False)
    val_loss.update_state(loss_fn(y, logits))
    val_accuracy.update_state(y, logits)


losses, steps = [], 0
for epoch in range(EPOCHS):
    for metric in (train_loss, val_loss, val_accuracy):
        metric.reset_state()
    for x, y in train_ds:
        train_step(x, y)
        steps += 1
    for x, y in val_ds:
        val_step(x, y)
    losses.append(float(train_loss.result()))
    figures = f"loss {losses[-1]:.4f} val_loss {val_loss.result():.4f}"
    print(f"epoch {epoch + 1}: {figures} val_accuracy {val_accuracy.result():.4f}")
print("losses", losses)
print("steps", steps)
