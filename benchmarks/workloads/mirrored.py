"""The photographs on two replicas: MirroredStrategy and a training loop written by hand.

The machine's one CPU is split into two logical devices, where others have two GPUs.
"""

import os

import keras
import tensorflow as tf
from keras import layers

from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", "12"))
SEED = int(os.environ.get("SEED", "0"))
IMAGE_SIZE = 96
GLOBAL_BATCH = 64

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
keras.utils.set_random_seed(SEED)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def decode(path, label):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(image, (IMAGE_SIZE, IMAGE_SIZE)) / 255.0, label


(train_paths, train_labels), (val_paths, val_labels) = photo_files()
train_ds = tf.data.Dataset.from_tensor_slices((train_paths, train_labels))
train_ds = train_ds.shuffle(len(train_paths), seed=SEED)
train_ds = train_ds.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
train_ds = train_ds.batch(GLOBAL_BATCH, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
train_ds = strategy.experimental_distribute_dataset(train_ds)
val_ds = tf.data.Dataset.from_tensor_slices((val_paths, val_labels)).map(decode).batch(32)

with strategy.scope():
    model = keras.Sequential(
        [
            layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ]
    )
    optimizer = keras.optimizers.Adam(2e-3)
    optimizer.build(model.trainable_variables)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


def replica_step(x, y):
    with tf.GradientTape() as tape:
        per_example = loss_fn(y, model(x, training=True))
        loss = tf.nn.compute_average_loss(per_example, global_batch_size=GLOBAL_BATCH)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


@tf.function
def train_step(batch):
    per_replica = strategy.run(replica_step, args=batch)
    return strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)


losses, steps = [], 0
for epoch in range(EPOCHS):
    total, batches = 0.0, 0
    for batch in train_ds:
        total += train_step(batch)
        batches += 1
    steps += batches
    losses.append(float(total) / batches)
    val_loss = [tf.reduce_mean(loss_fn(y, model(x))) for x, y in val_ds]
    print(f"epoch {epoch + 1}: loss {losses[-1]:.4f} val_loss {tf.reduce_mean(val_loss):.4f}")
print("losses", losses)
print("steps", steps)
