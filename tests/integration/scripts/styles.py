"""Many ways to call `fit`, each on a small model of its own; prints what each one has done."""

import os

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
EPOCHS = 2
x = np.random.default_rng(0).normal(size=(100, 4)).astype("float32")
y = (x.sum(1) > 0).astype("int32")


class Batches(keras.utils.PyDataset):
    batch_size = 5

    def __len__(self):
        return 6

    def __getitem__(self, index):
        rows = slice(5 * index, 5 * index + 5)
        return x[rows], y[rows]


def compiled(**options):
    model = keras.Sequential(
        [keras.layers.Input((4,)), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", **options)
    return model


def samples():
    yield from zip(x[:37], y[:37], strict=True)


def endless():
    while True:
        for start in range(0, 96, 6):
            yield x[start : start + 6], y[start : start + 6]


def dataset(count, batch):
    return tf.data.Dataset.from_tensor_slices((x[:count], y[:count])).batch(batch)


unknown = tf.data.Dataset.from_generator(
    samples, output_signature=(tf.TensorSpec((4,), tf.float32), tf.TensorSpec((), tf.int32))
).batch(4)

STYLES = {
    "arrays": ({}, {"x": x, "y": y, "batch_size": 8, "validation_split": 0.2}),
    "unknown": ({}, {"x": unknown}),
    "generator": ({}, {"x": endless(), "steps_per_epoch": 7}),
    "pydataset": ({}, {"x": Batches(), "validation_data": Batches()}),
    "repeat": ({}, {"x": dataset(96, 8).repeat(), "steps_per_epoch": 5}),
    "class_weight": ({}, {"x": x[:96], "y": y[:96], "class_weight": {0: 1.0, 1: 2.0}}),
    "execution": ({"steps_per_execution": 8}, {"x": dataset(63, 3), "validation_data": (x, y)}),
    "eager": ({"run_eagerly": True}, {"x": dataset(40, 10)}),
    "compiled": ({"jit_compile": True}, {"x": dataset(48, 8)}),
    "longer": ({}, {"x": dataset(96, 8).repeat(), "steps_per_epoch": int(os.environ["STEPS"])}),
}


class Count(keras.callbacks.Callback):
    """The optimizer's counter counts one more where an epoch's length is not known before."""

    def on_epoch_begin(self, epoch, logs=None):
        self.done = 0

    def on_train_batch_end(self, batch, logs=None):
        self.done = batch + 1

    def on_epoch_end(self, epoch, logs=None):
        steps[name] = steps.get(name, 0) + self.done


losses, steps = [], {}
for name, (options, arguments) in STYLES.items():
    model = compiled(**options)
    losses += model.fit(**arguments, epochs=EPOCHS, callbacks=[Count()], verbose=0).history["loss"]
    print("steps", name, steps[name], "counted by the optimizer", int(model.optimizer.iterations))
    model.evaluate(x, y, verbose=0)
    model.predict(dataset(64, 4), verbose=0)
print("losses", losses)
