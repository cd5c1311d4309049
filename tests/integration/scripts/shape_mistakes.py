"""Shape mistakes as users make them: each function raises what Keras or TensorFlow raises.

`python shape_mistakes.py NAME` makes one of them. `tests/fixtures/shape_mistakes.py` says what is
to be named, and in which words the cure.
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from keras import layers

rng = np.random.default_rng(0)
photos = rng.random((64, 28, 28), dtype=np.float32)
colour = rng.random((64, 32, 32, 3), dtype=np.float32)
series = rng.random((64, 12, 5), dtype=np.float32)
table = rng.random((64, 20), dtype=np.float32)
words = rng.integers(0, 1000, (64, 7))
digits = rng.integers(0, 10, 64)
one_hot = np.eye(10, dtype=np.float32)[digits]


def train(model, x, y, loss="sparse_categorical_crossentropy", **more):
    metrics = more.pop("metrics", None)
    model.compile("adam", loss, metrics=metrics)
    model.fit(x, y, verbose=0, batch_size=32, **more)


def classes(*before):
    return keras.Sequential([*before, layers.Dense(10, activation="softmax", name="head")])


def channel_axis_missing():
    train(classes(layers.Conv2D(4, 3, name="first"), layers.Flatten()), photos, digits)


def channel_axis_missing_with_input():
    first = layers.Conv2D(4, 3, name="first")
    train(
        classes(keras.Input((28, 28, 1)), first, layers.Conv2D(4, 3), layers.Flatten()),
        photos.reshape(64, 784),
        digits,
    )


def pictures_not_flattened():
    train(classes(keras.Input((784,)), layers.Dense(8, name="first")), photos, digits)


def timesteps_axis_missing():
    train(classes(layers.LSTM(4, name="first")), table, digits)


def other_timesteps():
    train(classes(keras.Input((10, 5)), layers.Flatten(), layers.Dense(4)), series, digits)


def return_sequences_missing():
    train(classes(layers.LSTM(4, name="one"), layers.LSTM(4, name="two")), series, digits)


def batch_axis_missing():
    data = tf.data.Dataset.from_tensor_slices((colour, digits))
    model = classes(keras.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.Flatten())
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(data, verbose=0)


def batch_axis_missing_in_a_call():
    model = classes(keras.Input((32, 32, 3)), layers.Conv2D(4, 3, name="first"), layers.Flatten())
    model(colour[0])


def channels_first_data():
    model = classes(keras.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.Flatten())
    train(model, colour.transpose(0, 3, 1, 2), digits)


def grey_for_colour():
    model = classes(keras.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.Flatten())
    train(model, colour[..., :1], digits)


def conv_after_flatten():
    train(classes(layers.Flatten(), layers.Conv2D(4, 3, name="late")), colour, digits)


def one_input_of_two():
    a, b = keras.Input((20,), name="a"), keras.Input((5,), name="b")
    out = layers.Dense(10)(layers.Concatenate()([a, b]))
    train(keras.Model([a, b], out, name="two_inputs"), table, digits)


def one_hot_labels_for_a_sparse_loss():
    train(classes(layers.Dense(4)), table, one_hot)


def integer_labels_for_a_categorical_loss():
    train(classes(layers.Dense(4)), table, digits, "categorical_crossentropy")


def units_are_not_the_classes():
    model = keras.Sequential([layers.Dense(4), layers.Dense(3, activation="softmax", name="head")])
    train(model, table, one_hot, "categorical_crossentropy")


def two_units_for_a_binary_loss():
    model = keras.Sequential([layers.Dense(2, activation="sigmoid", name="head")])
    train(model, table, (digits > 4).astype("float32"), "binary_crossentropy")


def dense_on_pictures():
    model = classes(layers.Conv2D(4, 3, name="conv"))
    train(model, colour, digits)


def add_of_other_shapes():
    x = keras.Input((20,))
    layers.Add(name="sum")([layers.Dense(8)(x), layers.Dense(7)(x)])


def concatenate_of_other_shapes():
    x = keras.Input((32, 32, 3))
    small = layers.MaxPooling2D(name="half")(x)
    layers.Concatenate(name="join")([x, small])


def dot_of_other_shapes():
    x = keras.Input((20,))
    layers.Dot(axes=1, name="dot")([layers.Dense(8)(x), layers.Dense(7)(x)])


def index_out_of_range():
    model = classes(layers.Embedding(500, 8, name="table"), layers.Flatten())
    train(model, words, digits)


def kernel_larger_than_the_picture():
    x = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 5, name="one")(x)
    layers.Conv2D(4, 5, name="two")(x)


def pooled_too_often():
    x = keras.Input((4, 4, 3))
    for number in range(3):
        x = layers.MaxPooling2D(name=f"pool_{number}")(x)


def reshape_to_another_size():
    layers.Reshape((5, 5), name="square")(keras.Input((20,)))


def another_width_than_built_for():
    dense = layers.Dense(4, name="shared")
    dense(np.zeros((2, 20), "float32"))
    dense(np.zeros((2, 21), "float32"))


def another_number_of_labels():
    train(classes(layers.Dense(4)), table, digits[:50])


def label_out_of_range():
    model = keras.Sequential([layers.Dense(5, activation="softmax", name="head")])
    train(model, table, digits)


def metric_of_another_shape():
    metrics = [keras.metrics.Precision(name="precise")]
    train(classes(layers.Dense(4)), table, digits, metrics=metrics)


def product_in_a_layer_of_ones_own():
    class Mixing(keras.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(9, 4), name="kernel")

        def call(self, x):
            return tf.matmul(x, self.kernel)

    train(classes(Mixing(name="mixing")), table, digits)


def convolution_over_a_table():
    train(classes(layers.Conv1D(4, 3, name="first"), layers.Flatten()), table, digits)


def attention_of_other_widths():
    layers.Attention(name="look")([series, series[..., :4]])


def channels_no_multiple_of_the_groups():
    layers.Conv2D(4, 3, groups=2, name="grouped")(keras.Input((32, 32, 3)))


# Near to the mistakes, and none, or one that raises nothing.


def channel_axis_there():
    first = layers.Conv2D(4, 3, name="first")
    train(
        classes(keras.Input((28, 28, 1)), first, layers.Flatten()),
        photos[..., None],
        digits,
        epochs=3,
    )


def labels_stretched_over_the_predictions():
    model = keras.Sequential([layers.Dense(1, name="head")])
    train(model, table, rng.random((64, 4), dtype=np.float32), "mean_squared_error", epochs=3)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
