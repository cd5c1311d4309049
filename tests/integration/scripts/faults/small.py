"""Two short fits that touch everything gputune hooks; RICH: with all that dry mode redirects.

KERAS_2: beside the package of Keras 2, whose import takes a second.
"""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
EPOCHS = int(os.environ["EPOCHS"])
RICH = "RICH" in os.environ
if "KERAS_2" in os.environ:
    import tf_keras  # noqa: F401

x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
ds = tf.data.Dataset.from_tensor_slices((x, x.sum(1, keepdims=True)))
ds = ds.shuffle(64, seed=0).map(lambda a, b: (2 * a, b))
callbacks = [keras.callbacks.CSVLogger("log.csv")]
if RICH:
    ds = ds.snapshot("snapshot").cache("cached")
    callbacks += [
        keras.callbacks.ModelCheckpoint("best.weights.h5", save_weights_only=True),
        keras.callbacks.BackupAndRestore("backup"),
    ]
ds = ds.batch(16)

model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
first = model.fit(ds, epochs=EPOCHS, callbacks=callbacks, verbose=0)
model.evaluate(ds, verbose=0)
second = model.fit(ds.take(2), epochs=EPOCHS, verbose=0)
print("losses", first.history["loss"] + second.history["loss"])
print("iterations", int(model.optimizer.iterations))

if RICH:
    model.save("model.keras")
    model.save_weights("w.weights.h5")
    model.load_weights("w.weights.h5")
    keras.saving.save_model(model, "other.keras")
    keras.saving.load_model("other.keras")
    checkpoint = tf.train.Checkpoint(model=model)
    checkpoint.restore(checkpoint.save("ckpt/one"))
    manager = tf.train.CheckpointManager(checkpoint, "managed", max_to_keep=1)
    manager.save()
    assert tf.train.latest_checkpoint("managed")
    tf.summary.create_file_writer("summaries").close()
    with tf.io.TFRecordWriter("out.tfrecord") as writer:
        writer.write(b"one")
    tf.data.Dataset.range(3).save("saved")
    print("saved", int(tf.data.Dataset.load("saved").reduce(np.int64(0), lambda a, b: a + b)))
Path("result.txt").write_text("done\n")
