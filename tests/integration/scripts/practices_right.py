"""Near to practices_wrong.py, with what is wrong there put right."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np

keras.utils.set_random_seed(0)


@keras.saving.register_keras_serializable()
class Gate(keras.layers.Layer):
    def __init__(self, strength=1.0, **more):
        super().__init__(**more)
        self.strength = strength

    def call(self, inputs):
        return inputs * self.strength

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}


x = np.random.random((256, 4)).astype("float32")
first, second = keras.Input((2,), name="first"), keras.Input((2,), name="second")
joined = keras.layers.Concatenate()([Gate(2.0)(first), second])
outputs = keras.layers.Dense(1)(keras.layers.Dense(100)(joined))
model = keras.Model([first, second], keras.layers.Reshape(())(outputs))
model.compile(optimizer="adam", loss="mse")
model.fit((x[:, :2], x[:, 2:]), x.sum(axis=1), batch_size=16, epochs=100, verbose=0)
print("the training went on to its end")
model.save("model.keras")
