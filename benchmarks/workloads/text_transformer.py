"""Which data set does a window of words describe? A small transformer over scikit-learn's texts."""

import os
from importlib.resources import files

import keras
import tensorflow as tf
from keras import layers, ops

EPOCHS = int(os.environ.get("EPOCHS", "5"))
SEED = int(os.environ.get("SEED", "0"))
VOCABULARY, LENGTH, WIDTH = 2000, 48, 64

keras.utils.set_random_seed(SEED)

# Windows from the last fifth of each description are kept for validation.
train, validation = ([], []), ([], [])
descriptions = sorted(files("sklearn.datasets.descr").iterdir(), key=lambda file: file.name)
descriptions = [file for file in descriptions if file.name.endswith(".rst")]
for label, file in enumerate(descriptions):
    words = file.read_text(encoding="utf-8").split()
    split = len(words) * 4 // 5
    for part, span in ((train, words[:split]), (validation, words[split:])):
        for start in range(0, max(1, len(span) - LENGTH), 2):
            part[0].append(" ".join(span[start : start + LENGTH]))
            part[1].append(label)

vectorize = layers.TextVectorization(VOCABULARY, output_sequence_length=LENGTH)
vectorize.adapt(train[0])


def to_tokens(text, label):
    return vectorize(text), label


train_ds = tf.data.Dataset.from_tensor_slices(train).shuffle(5000, seed=SEED).batch(32)
train_ds = train_ds.map(to_tokens, num_parallel_calls=2).prefetch(2)
val_ds = tf.data.Dataset.from_tensor_slices(validation).batch(32).map(to_tokens)


class PositionEmbedding(layers.Layer):
    def build(self, input_shape):
        self.table = self.add_weight(shape=input_shape[1:], name="table")

    def call(self, tokens):
        return tokens + self.table


def transformer_block(x):
    attended = layers.MultiHeadAttention(4, WIDTH // 4, dropout=0.1)(x, x)
    x = layers.LayerNormalization()(x + attended)
    hidden = layers.Dense(4 * WIDTH, activation="gelu")(x)
    return layers.LayerNormalization()(x + layers.Dense(WIDTH)(hidden))


inputs = layers.Input((LENGTH,), dtype="int32")
x = layers.Embedding(VOCABULARY, WIDTH)(inputs)
x = PositionEmbedding()(x)
for _ in range(2):
    x = transformer_block(x)
x = layers.Dropout(0.1)(ops.mean(x, axis=1))
outputs = layers.Dense(len(descriptions), activation="softmax")(x)

model = keras.Model(inputs, outputs)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, verbose=2)
print("losses", history.history["loss"])
