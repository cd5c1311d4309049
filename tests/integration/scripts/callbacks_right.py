"""The callbacks of `callbacks_wrong.py` as they should be."""

import sys
import time
from pathlib import Path

import keras
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(0)
x = rng.random((2000, 8), dtype=np.float32)
y = (x.sum(axis=1) > 4).astype("float32")


class Scores(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["f1"] = 1.0

    def on_epoch_done(self):  # called by the next callback, not by Keras
        return None


class Reads(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("f1", logs["f1"])

    def on_train_end(self, logs=None):
        Path(folder, "summary.txt").write_text("done")


class Quick(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.last = batch


run = time.strftime("%Y%m%d-%H%M%S")
Path(folder, run).mkdir()
model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
callbacks = [
    Scores(),
    Reads(),
    Quick(),
    keras.callbacks.EarlyStopping(monitor="val_loss", patience=3),
    keras.callbacks.EarlyStopping(monitor="f1", mode="max", patience=3),
    keras.callbacks.ReduceLROnPlateau(monitor="accuracy", mode="max", patience=2),
    keras.callbacks.EarlyStopping(patience=20, restore_best_weights=True),
    keras.callbacks.CSVLogger(f"{folder}/{run}/log.csv"),
    keras.callbacks.ModelCheckpoint(f"{folder}/{run}/{{epoch}}.keras"),
    keras.callbacks.TensorBoard(f"{folder}/logs/{run}"),
]
try:
    model.fit(x, y[:10], verbose=0)
except ValueError:
    print("caught")  # by the script itself: no mistake, and the next fit is the one
model.fit(x, y, epochs=20, verbose=0, callbacks=callbacks, validation_split=0.2)
print("trained to the end")
