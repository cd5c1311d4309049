"""Handwritten digits as NumPy arrays, a small dense network, early stopping."""

import os

import keras
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS = int(os.environ.get("EPOCHS", "60"))
SEED = int(os.environ.get("SEED", "0"))

keras.utils.set_random_seed(SEED)

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=SEED)

model = keras.Sequential(
    [
        layers.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(32, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
history = model.fit(
    x_train,
    y_train,
    batch_size=16,
    validation_data=(x_test, y_test),
    epochs=EPOCHS,
    callbacks=[stop],
    verbose=2,
)
print("losses", history.history["loss"])
print("test accuracy", model.evaluate(x_test, y_test, verbose=0)[1])
