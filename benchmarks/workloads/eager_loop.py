"""Handwritten digits once more, trained in eager mode: a tape, and no `tf.function` anywhere."""

import os

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS = int(os.environ.get("EPOCHS", "40"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32

keras.utils.set_random_seed(SEED)

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=SEED)

train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train))
train_ds = train_ds.shuffle(len(x_train), seed=SEED).batch(BATCH_SIZE)

model = keras.Sequential(
    [
        layers.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.1),
        layers.Dense(10),
    ]
)
optimizer = keras.optimizers.Adam(1e-3)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

losses, steps = [], 0
for epoch in range(EPOCHS):
    total = 0.0
    for x, y in train_ds:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        total += loss.numpy()
        steps += 1
    losses.append(float(total) / len(train_ds))
    accuracy = (model(x_test).numpy().argmax(axis=1) == y_test).mean()
    print(f"epoch {epoch + 1}: loss {losses[-1]:.4f} accuracy {accuracy:.4f}")
print("losses", losses)
print("steps", steps)
