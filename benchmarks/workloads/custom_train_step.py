"""A variational autoencoder of small photographs: a Keras model with a `train_step` of its own."""

import os

import keras
import tensorflow as tf
from keras import layers

from photo_files import photo_files

EPOCHS = int(os.environ.get("EPOCHS", "18"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 32
IMAGE_SIZE = 64
LATENT = 16

keras.utils.set_random_seed(SEED)


def load(path):
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(image, (IMAGE_SIZE, IMAGE_SIZE)) / 255.0


class Autoencoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential([layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3))])
        for filters in (16, 32):
            self.encoder.add(layers.Conv2D(filters, 3, 2, padding="same", activation="relu"))
        self.encoder.add(layers.Flatten())
        self.encoder.add(layers.Dense(2 * LATENT))
        self.decoder = keras.Sequential([layers.Input((LATENT,))])
        self.decoder.add(layers.Dense(16 * 16 * 16, activation="relu"))
        self.decoder.add(layers.Reshape((16, 16, 16)))
        for filters in (16, 8):
            layer = layers.Conv2DTranspose(filters, 3, 2, padding="same", activation="relu")
            self.decoder.add(layer)
        self.decoder.add(layers.Conv2D(3, 3, padding="same", activation="sigmoid"))
        self.seeds = keras.random.SeedGenerator(SEED)
        self.total = keras.metrics.Mean("loss")

    @property
    def metrics(self):
        return [self.total]

    def loss_of(self, images):
        mean, log_variance = tf.split(self.encoder(images), 2, axis=1)
        noise = keras.random.normal(tf.shape(mean), seed=self.seeds)
        decoded = self.decoder(mean + tf.exp(0.5 * log_variance) * noise)
        error = tf.reduce_sum(tf.square(images - decoded), axis=(1, 2, 3))
        kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, axis=1)
        return tf.reduce_mean(error + kl)

    def train_step(self, images):
        with tf.GradientTape() as tape:
            loss = self.loss_of(images)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        self.total.update_state(loss)
        return {"loss": self.total.result()}

    def test_step(self, images):
        self.total.update_state(self.loss_of(images))
        return {"loss": self.total.result()}


(train_paths, _), (val_paths, _) = photo_files()
train_ds = tf.data.Dataset.from_tensor_slices(train_paths).map(load).cache()
train_ds = train_ds.shuffle(len(train_paths), seed=SEED).batch(BATCH_SIZE).prefetch(1)
val_ds = tf.data.Dataset.from_tensor_slices(val_paths).map(load).batch(BATCH_SIZE).cache()

model = Autoencoder()
model.compile(keras.optimizers.Adam(1e-3))
history = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS, verbose=2)
print("losses", history.history["loss"])
print("steps", len(history.epoch) * len(train_ds))
