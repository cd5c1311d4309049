"""Draw handwritten digits: a generator and a discriminator, two optimizers, one train step."""

import os

import keras
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits

EPOCHS = int(os.environ.get("EPOCHS", "40"))
SEED = int(os.environ.get("SEED", "0"))
BATCH_SIZE = 64
NOISE = 32

keras.utils.set_random_seed(SEED)

images = load_digits().images[..., None].astype("float32") / 8.0 - 1.0
dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=SEED)
dataset = dataset.batch(BATCH_SIZE, drop_remainder=True)

generator = keras.Sequential(
    [
        layers.Input((NOISE,)),
        layers.Dense(4 * 4 * 64, use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(),
        layers.Reshape((4, 4, 64)),
        layers.Conv2DTranspose(32, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(),
        layers.Conv2D(1, 3, padding="same", activation="tanh"),
    ]
)
discriminator = keras.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(32, 3, padding="same"),
        layers.LeakyReLU(),
        layers.Dropout(0.3),
        layers.Conv2D(64, 3, strides=2, padding="same"),
        layers.LeakyReLU(),
        layers.Dropout(0.3),
        layers.Flatten(),
        layers.Dense(1),
    ]
)
generator_optimizer = keras.optimizers.Adam(1e-4)
discriminator_optimizer = keras.optimizers.Adam(1e-4)
cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)


@tf.function
def train_step(real):
    noise = tf.random.normal((BATCH_SIZE, NOISE))
    with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
        fake = generator(noise, training=True)
        said_of_real = discriminator(real, training=True)
        said_of_fake = discriminator(fake, training=True)
        generator_loss = cross_entropy(tf.ones_like(said_of_fake), said_of_fake)
        discriminator_loss = cross_entropy(tf.ones_like(said_of_real), said_of_real)
        discriminator_loss += cross_entropy(tf.zeros_like(said_of_fake), said_of_fake)
    weights = generator.trainable_variables
    generator_optimizer.apply(generator_tape.gradient(generator_loss, weights), weights)
    weights = discriminator.trainable_variables
    discriminator_optimizer.apply(discriminator_tape.gradient(discriminator_loss, weights), weights)
    return generator_loss, discriminator_loss


losses, steps = [], 0
for epoch in range(EPOCHS):
    sums = tf.zeros(2)
    for batch in dataset:
        sums += tf.stack(train_step(batch))
        steps += 1
    losses.append([float(s) / len(dataset) for s in sums])
    print("epoch", epoch + 1, "generator {:.4f} discriminator {:.4f}".format(*losses[-1]))
print("losses", losses)
print("steps", steps)
