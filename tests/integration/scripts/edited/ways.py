"""Every other way to feed a `fit`, each once; prints how many steps it has made."""

import sys

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
y = x.sum(1, keepdims=True)


class Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.batch_size = 8

    def __len__(self):
        return -(-96 // self.batch_size)

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return x[rows], y[rows]


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def compile(self, rate):
        super().compile(keras.optimizers.SGD(rate), "mse")

    def call(self, inputs):
        return self.dense(inputs)


def batches():
    while True:
        yield x[:8], y[:8]


def steps(name, optimizer, *args, **kwargs):
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    model.fit(*args, verbose=0, **kwargs)
    print(name, int(model.optimizer.iterations), model.steps_per_execution)


windows = keras.utils.timeseries_dataset_from_array(x, y, 1, batch_size=8)
windows = windows.map(lambda a, b: (tf.squeeze(a, 1), b))
chunks = tf.data.Dataset.from_tensor_slices((x, y)).batch(4).unbatch().batch(8).prefetch(2)
taken = tf.data.Dataset.from_tensor_slices((x, y)).batch(8).take(6)

steps("arrays", "sgd", x, y, batch_size=8)
steps("pydataset", "adam", Batches())
steps("generator", keras.optimizers.Adam(1e-3), batches(), steps_per_epoch=12)
steps("windows", keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9)), windows)
steps("chunks", "sgd", chunks)
steps("taken", "sgd", taken)
own = Own()
own.compile(0.5)
own.fit(x, y, batch_size=8, verbose=0)
rate = float(own.optimizer.learning_rate)
print("own", int(own.optimizer.iterations), own.steps_per_execution, f"{rate:.3g}")
print("policy", keras.config.dtype_policy().name, own.dense.compute_dtype)
print("chunks end in", type(chunks).__name__)
sys.exit(3)
