"""The models of `convergence.py`: mistakes, and near to each what is none.

A case takes a random generator and returns a compiled model and the arguments of `fit`.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def blobs(rng, classes=3, count=640, size=8):
    """Points around a centre for each class, standardised: something that can be learned."""
    y = rng.integers(0, classes, count)
    centres = rng.normal(size=(classes, size))
    x = centres[y] + 0.5 * rng.normal(size=(count, size))
    return ((x - x.mean(0)) / x.std(0)).astype("float32"), y


def dense(units, activation=None, *, size=8, hidden="relu", **kwargs):
    return keras.Sequential(
        [layers.Input((size,)), layers.Dense(16, hidden, **kwargs), layers.Dense(units, activation)]
    )


def fit(x, y=None, epochs=1, **kwargs):
    return {"x": x, **({} if y is None else {"y": y}), "epochs": epochs, **kwargs}


SPARSE = "sparse_categorical_crossentropy"


@case
def good(rng):
    model = dense(3, "softmax")
    model.compile("adam", SPARSE, metrics=["accuracy"])
    return model, fit(*blobs(rng))


@case
def good_logits(rng):
    model = dense(3)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, fit(*blobs(rng))


@case
def good_binary(rng):
    model = dense(1, "sigmoid")
    model.compile("sgd", "binary_crossentropy")
    return model, fit(*blobs(rng, classes=2))


@case
def good_one_hot(rng):
    x, y = blobs(rng)
    model = dense(3, "softmax")
    model.compile("adam", "categorical_crossentropy")
    return model, fit(x, keras.utils.to_categorical(y))


@case
def good_regression(rng):
    x, y = blobs(rng)
    model = dense(1)
    model.compile("adam", "mse")
    return model, fit(x, (x @ rng.normal(size=(8, 1)) - y[:, None]).astype("float32"))


@case
def good_autoencoder(rng):
    x = rng.uniform(size=(640, 8)).astype("float32")
    model = dense(8, "sigmoid")
    model.compile("adam", "binary_crossentropy")
    return model, fit(x, x)


@case
def good_images(rng):
    x = rng.integers(0, 256, (320, 12, 12, 3)).astype("uint8")
    y = (x.mean(axis=(1, 2, 3)) > 127.5).astype("int32")
    model = keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, "softmax"),
        ]
    )
    model.compile("adam", SPARSE)
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(320).batch(16)
    return model, fit(data)


@case
def good_batch_norm(rng):
    x = rng.integers(0, 256, (320, 12, 12, 3)).astype("float32")
    inputs = layers.Input((12, 12, 3))
    h = layers.Conv2D(8, 3, use_bias=False)(inputs)
    h = layers.ReLU()(layers.BatchNormalization()(h))
    outputs = layers.Dense(2)(layers.GlobalAveragePooling2D()(h))
    model = keras.Model(inputs, outputs)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, fit(x, rng.integers(0, 2, 320), batch_size=16)


@case
def good_tokens(rng):
    x = rng.integers(0, 5000, (320, 12))
    model = keras.Sequential(
        [
            layers.Input((12,), dtype="int32"),
            layers.Embedding(5000, 8),
            layers.LSTM(8),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model, fit(x, (x[:, 0] > 2500).astype("float32"), batch_size=16)


@case
def good_normalization(rng):
    x, y = blobs(rng)
    x = x * 1000 + 5000
    normalise = layers.Normalization()
    normalise.adapt(x)
    model = keras.Sequential(
        [layers.Input((8,)), normalise, layers.Dense(16, "relu"), layers.Dense(3, "softmax")]
    )
    model.compile("adam", SPARSE)
    return model, fit(x, y)


@case
def good_mixed_precision(rng):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        inputs = layers.Input((8,))
        h = layers.Dense(16, "relu")(inputs)
        model = keras.Model(inputs, layers.Dense(3, "softmax", dtype="float32")(h))
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), SPARSE)
    return model, fit(*blobs(rng))


@case
def good_two_outputs(rng):
    x, y = blobs(rng)
    inputs = layers.Input((8,))
    h = layers.Dense(16, "tanh")(inputs)
    model = keras.Model(inputs, {"kind": layers.Dense(3, "softmax")(h), "size": layers.Dense(1)(h)})
    model.compile("adam", {"kind": SPARSE, "size": "mse"})
    return model, fit(x, {"kind": y, "size": x[:, :1] * 3})


@case
def good_residual(rng):
    """A branch that begins at zero gives the layers in it no gradient in the first step."""
    x, y = blobs(rng)
    inputs = layers.Input((8,))
    h = layers.Dense(16, "gelu")(inputs)
    branch = layers.Dense(16, kernel_initializer="zeros")(layers.Dense(16, "gelu")(h))
    model = keras.Model(inputs, layers.Dense(3, "softmax")(layers.Add()([h, branch])))
    model.compile("adam", SPARSE)
    return model, fit(x, y)


class Vae(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(8)
        self.total = keras.metrics.Mean("loss")

    @property
    def metrics(self):
        return [self.total]

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.inner(data) - data))
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.total.update_state(loss)
        return {"loss": self.total.result()}


@case
def good_own_step(rng):
    model = Vae()
    model.compile("adam")
    return model, fit(tf.data.Dataset.from_tensor_slices(blobs(rng)[0]).shuffle(640).batch(32))


# numbers


@case
def nan_input(rng):
    x, y = blobs(rng)
    x[17, 3] = np.nan
    model = dense(3, "softmax")
    model.compile("adam", SPARSE)
    return model, fit(x, y)


@case
def nan_input_that_a_layer_fills_in(rng):
    x, y = blobs(rng)
    x[17, 3] = np.nan

    class Fill(layers.Layer):
        def call(self, inputs):
            return tf.where(tf.math.is_finite(inputs), inputs, tf.zeros_like(inputs))

    model = keras.Sequential(
        [layers.Input((8,)), Fill(), layers.Dense(16, "relu"), layers.Dense(3, "softmax")]
    )
    model.compile("adam", SPARSE)
    return model, fit(x, y)


@case
def nan_label(rng):
    x, _ = blobs(rng)
    y = x[:, 0].copy()
    y[3] = np.nan
    model = dense(1)
    model.compile("adam", "mse")
    return model, fit(x, y)


@case
def nan_layer(rng):
    class Log(layers.Layer):
        def call(self, inputs):
            return tf.math.log(inputs)

    model = keras.Sequential(
        [layers.Input((8,)), layers.Dense(16), Log(name="bad_log"), layers.Dense(3, "softmax")]
    )
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def nan_loss(rng):
    def loss(y, p):
        return tf.math.log(tf.minimum(p, 0.0) * 0.0)

    model = dense(1)
    model.compile("adam", loss)
    x, y = blobs(rng)
    return model, fit(x, y.astype("float32"))


@case
def nan_gradient(rng):
    class Norm(layers.Layer):
        def call(self, inputs):
            return inputs + tf.sqrt(tf.reduce_sum(tf.square(inputs * 0.0), -1, keepdims=True))

    model = keras.Sequential(
        [layers.Input((8,)), layers.Dense(16), Norm(), layers.Dense(3, "softmax")]
    )
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def nan_on_the_way(rng):
    x, y = blobs(rng)
    model = dense(1)
    model.compile(keras.optimizers.SGD(10.0), "mse")
    return model, fit(x, y.astype("float32"))


# gradients


@case
def vanishing(rng):
    model = keras.Sequential([layers.Input((8,))])
    for _ in range(12):
        model.add(layers.Dense(16, "sigmoid"))
    model.add(layers.Dense(3, "softmax"))
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def not_vanishing(rng):
    model = keras.Sequential([layers.Input((8,))])
    for _ in range(6):
        model.add(layers.Dense(16, "relu", kernel_initializer="he_normal"))
    model.add(layers.Dense(3, "softmax"))
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def dead(rng):
    model = dense(3, "softmax", bias_initializer=keras.initializers.Constant(-100.0))
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def half_dead(rng):
    def half(shape, dtype=None):
        return tf.constant([-100.0] * 10 + [0.0] * 6)

    model = dense(3, "softmax", bias_initializer=half)
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def few_dead(rng):
    def few(shape, dtype=None):
        return tf.constant([-100.0] * 3 + [0.0] * 13)

    model = dense(3, "softmax", bias_initializer=few)
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def symmetric(rng):
    model = keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(16, "tanh", kernel_initializer=keras.initializers.Constant(0.1)),
            layers.Dense(1, "sigmoid", kernel_initializer=keras.initializers.Constant(0.1)),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model, fit(*blobs(rng, classes=2))


@case
def zeros_in_the_last_layer(rng):
    model = keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(16, "tanh"),
            layers.Dense(3, "softmax", kernel_initializer="zeros"),
        ]
    )
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def large_weights(rng):
    model = dense(3, "softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=20.0))
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def no_gradient(rng):
    class Round(layers.Layer):
        def call(self, inputs):
            return tf.round(inputs) * 0.0 + tf.cast(tf.argmax(inputs, -1)[:, None], tf.float32)

    model = keras.Sequential([layers.Input((8,)), layers.Dense(16), Round(), layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = blobs(rng)
    return model, fit(x, y.astype("float32"))


# inputs


@case
def bytes_to_conv(rng):
    x = rng.integers(0, 256, (320, 12, 12, 3)).astype("uint8")
    model = keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, "softmax"),
        ]
    )
    model.compile("adam", SPARSE)
    y = (x.mean(axis=(1, 2, 3)) > 127.5).astype("int32")
    return model, fit(tf.data.Dataset.from_tensor_slices((x, y)).shuffle(320).batch(16))


@case
def large_features(rng):
    x, y = blobs(rng)
    x[:, 2] = x[:, 2] * 20_000 + 50_000
    model = dense(3, "softmax")
    model.compile("adam", SPARSE)
    return model, fit(x, y)


# labels


@case
def softmax_of_one(rng):
    model = dense(1, "softmax")
    model.compile("adam", "binary_crossentropy")
    return model, fit(*blobs(rng, classes=2))


@case
def missing_softmax(rng):
    model = dense(3)
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def missing_sigmoid(rng):
    model = dense(1)
    model.compile("adam", "binary_crossentropy")
    return model, fit(*blobs(rng, classes=2))


@case
def softmax_with_from_logits(rng):
    model = dense(3, "softmax")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, fit(*blobs(rng))


@case
def softmax_twice(rng):
    """A cast behind the softmax hides its logits from Keras."""
    inputs = layers.Input((8,))
    h = layers.Dense(3, "softmax")(layers.Dense(16, "relu")(inputs))
    model = keras.Model(inputs, layers.Identity()(layers.Rescaling(1.0)(h)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, fit(*blobs(rng))


@case
def sigmoid_for_classes(rng):
    model = dense(3, "sigmoid")
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng))


@case
def softmax_for_binary(rng):
    x, y = blobs(rng)
    model = dense(3, "softmax")
    model.compile("adam", "binary_crossentropy")
    return model, fit(x, keras.utils.to_categorical(y))


@case
def fractions_as_classes(rng):
    x, _ = blobs(rng)
    model = dense(3, "softmax")
    model.compile("adam", SPARSE)
    return model, fit(x, rng.uniform(0, 2.9, 640))


@case
def minus_one_and_one(rng):
    x, y = blobs(rng, classes=2)
    model = dense(1, "sigmoid")
    model.compile("adam", "binary_crossentropy")
    return model, fit(x, 2 * y - 1)


@case
def many_classes_for_binary(rng):
    model = dense(1, "sigmoid")
    model.compile("adam", "binary_crossentropy")
    return model, fit(*blobs(rng, classes=4))


@case
def hinge_with_minus_one(rng):
    x, y = blobs(rng, classes=2)
    model = dense(1, "tanh")
    model.compile("adam", "hinge")
    return model, fit(x, 2 * y - 1)


@case
def many_hot(rng):
    x, _ = blobs(rng)
    model = dense(3, "softmax")
    model.compile("adam", "categorical_crossentropy")
    return model, fit(x, (rng.uniform(size=(640, 3)) < 0.6).astype("float32"))


@case
def relu_for_negative(rng):
    x, _ = blobs(rng)
    model = dense(1, "relu")
    model.compile("adam", "mse")
    return model, fit(x, -np.abs(x[:, 0]) - 1)


@case
def distance_for_classes(rng):
    x, y = blobs(rng)
    model = dense(3, "softmax")
    model.compile("adam", "mse")
    return model, fit(x, keras.utils.to_categorical(y))


@case
def constant_labels(rng):
    x, _ = blobs(rng)
    model = dense(1, "sigmoid")
    model.compile("adam", "binary_crossentropy")
    return model, fit(x, np.zeros(640))


# learning


@case
def rate_too_large(rng):
    model = dense(3, "softmax")
    model.compile(keras.optimizers.Adam(30.0), SPARSE)
    x, y = blobs(rng)
    return model, fit(x, rng.permutation(y))  # of separable classes any large weights are right


@case
def rate_too_small(rng):
    model = dense(3, "softmax")
    model.compile(keras.optimizers.Adam(1e-9), SPARSE)
    return model, fit(*blobs(rng))


@case
def rate_of_a_warm_up(rng):
    model = dense(3, "softmax")
    schedule = keras.optimizers.schedules.PolynomialDecay(1e-9, 100_000, 1e-3)
    model.compile(keras.optimizers.Adam(schedule), SPARSE)
    return model, fit(*blobs(rng))


@case
def rate_of_fine_tuning(rng):
    model = dense(3, "softmax")
    model.compile(keras.optimizers.Adam(1e-5), SPARSE)
    return model, fit(*blobs(rng))


@case
def rate_zero(rng):
    model = dense(3, "softmax")
    model.compile(keras.optimizers.SGD(0.0), SPARSE)
    return model, fit(*blobs(rng))


# order


def ordered(rng):
    x, y = blobs(rng, classes=2)
    order = np.argsort(y, kind="stable")
    model = dense(2, "softmax")
    model.compile("adam", SPARSE)
    return model, x[order], y[order]


@case
def sorted_arrays(rng):
    model, x, y = ordered(rng)
    return model, fit(x, y, shuffle=False)


@case
def sorted_arrays_that_fit_shuffles(rng):
    model, x, y = ordered(rng)
    return model, fit(x, y)


@case
def sorted_arrays_that_are_split(rng):
    model, x, y = ordered(rng)
    return model, fit(x, y, validation_split=0.2)


@case
def mixed_arrays_that_are_split(rng):
    model = dense(2, "softmax")
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng, classes=2), validation_split=0.2)


@case
def mixed_arrays_in_order(rng):
    model = dense(2, "softmax")
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng, classes=2), shuffle=False)


@case
def sorted_dataset(rng):
    model, x, y = ordered(rng)
    return model, fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(128))


@case
def sorted_dataset_that_is_shuffled(rng):
    model, x, y = ordered(rng)
    return model, fit(tf.data.Dataset.from_tensor_slices((x, y)).shuffle(640).batch(128))


@case
def sorted_dataset_with_a_small_buffer(rng):
    model, x, y = ordered(rng)
    return model, fit(tf.data.Dataset.from_tensor_slices((x, y)).shuffle(10).batch(128))


@case
def mixed_dataset_in_order(rng):
    model = dense(2, "softmax")
    model.compile("adam", SPARSE)
    data = tf.data.Dataset.from_tensor_slices(blobs(rng, classes=2))
    return model, fit(data.batch(64))


@case
def generator_that_shuffles(rng):
    x, y = blobs(rng, classes=2)
    model = dense(2, "softmax")
    model.compile("adam", SPARSE)

    def samples():
        for row in np.random.default_rng(1).permutation(len(x)):
            yield x[row], y[row]

    signature = (tf.TensorSpec((8,), tf.float32), tf.TensorSpec((), tf.int64))
    return model, fit(tf.data.Dataset.from_generator(samples, output_signature=signature).batch(64))


# stopping


@case
def long_without_stopping(rng):
    model = dense(3, "softmax")
    model.compile("adam", SPARSE)
    return model, fit(*blobs(rng), epochs=200)


@case
def long_with_stopping(rng):
    model = dense(3, "softmax")
    model.compile("adam", SPARSE)
    stop = keras.callbacks.EarlyStopping(patience=5)
    return model, fit(*blobs(rng), epochs=200, callbacks=[stop], validation_split=0.2)


@case
def series_in_order(rng):
    """Numbers that change slowly, as those of a time series do, are no sorted classes."""
    x, _ = blobs(rng)
    model = dense(1)
    model.compile("adam", "mse")
    return model, fit(x, np.arange(640) // 160, shuffle=False)
