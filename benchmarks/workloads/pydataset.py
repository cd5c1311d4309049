"""Photographs through a keras.utils.PyDataset that decodes the JPEG files with Pillow."""

import math
import os

import keras
import numpy as np
from keras import layers
from PIL import Image

from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", "5"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32
IMAGE_SIZE = 96

keras.utils.set_random_seed(SEED)


class Photos(keras.utils.PyDataset):
    def __init__(self, paths, labels, shuffle=False, **kwargs):
        super().__init__(**kwargs)
        self.paths, self.labels, self.shuffle = paths, labels, shuffle
        self.rng = np.random.default_rng(SEED)
        self.order = np.arange(len(paths))
        self.on_epoch_end()

    def __len__(self):
        return math.ceil(len(self.paths) / BATCH_SIZE)

    def __getitem__(self, index):
        rows = self.order[index * BATCH_SIZE : (index + 1) * BATCH_SIZE]
        return np.stack([self.load(self.paths[row]) for row in rows]), self.labels[rows]

    def load(self, path):
        image = Image.open(path).resize((IMAGE_SIZE, IMAGE_SIZE), Image.BILINEAR)
        return np.asarray(image, dtype="float32") / 255.0

    def on_epoch_end(self):
        if self.shuffle:
            self.order = self.rng.permutation(len(self.paths))


train, validation = photo_files()
train_ds = Photos(*train, shuffle=True, workers=2, use_multiprocessing=False)
val_ds = Photos(*validation, workers=2, use_multiprocessing=False)

model = keras.Sequential(
    [
        layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
        layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.Conv2D(16, 3, strides=2, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, verbose=2)
print("losses", history.history["loss"])
