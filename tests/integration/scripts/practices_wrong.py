"""Trains a model that is not saved as it is, predicts wrongly, and follows no advice."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


class Gate(keras.layers.Layer):
    def __init__(self, strength=1.0, **more):
        super().__init__(**more)
        self.strength = strength

    def call(self, inputs):
        return inputs * self.strength

    def get_config(self):
        return super().get_config()


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.gate = Gate(2.0)
        self.large = keras.layers.Dense(1_000)
        self.dense = keras.layers.Dense(1_000)
        self.out = keras.layers.Dense(1)

    def call(self, inputs):
        first, second = inputs
        joined = keras.ops.concatenate([self.gate(first), second], axis=1)
        return tf.squeeze(self.out(self.dense(self.large(joined))))


x = np.random.random((256, 4)).astype("float32")
model = Net()
model.compile(optimizer="adam", loss="mse")
model.fit((x[:, :2], x[:, 2:]), x.sum(axis=1), batch_size=16, epochs=100, verbose=0)
print("the training went on to its end")
model.save("path", save_format="tf")
