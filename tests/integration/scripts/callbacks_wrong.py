"""Callbacks with a mistake each; the mistakes are named in tests/integration/test_check.py."""

import sys
import time
from pathlib import Path

import keras
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(0)
x = rng.random((2000, 8), dtype=np.float32)
y = (x.sum(axis=1) > 4).astype("float32")


class Raises(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        """Print what is not there."""
        score = logs["f1"]
        print("f1", score)


class RaisesLate(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        Path(folder, "missing", "summary.txt").write_text("done")


class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.02)


class NeverCalled(keras.callbacks.Callback):
    def on_epoch_ended(self, epoch, logs=None):
        print("nobody reads this")


model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
callbacks = [
    Raises(),
    RaisesLate(),
    Slow(),
    NeverCalled(),
    keras.callbacks.EarlyStopping(monitor="val_loss", patience=3),
    keras.callbacks.ReduceLROnPlateau(monitor="acc", mode="max", patience=2),
    keras.callbacks.EarlyStopping(monitor="loss", patience=20),
    keras.callbacks.CSVLogger(f"{folder}/not_there/log.csv"),
    keras.callbacks.ModelCheckpoint(f"{folder}/best.keras"),
    keras.callbacks.TensorBoard(f"{folder}/a_file/logs"),
]
model.fit(x, y, epochs=20, verbose=0, callbacks=callbacks)
print("trained to the end")
