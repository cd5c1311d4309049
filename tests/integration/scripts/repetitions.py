"""Pipelines with and without repetition, looked at as at the end of a default run.

Prints one line of JSON: for each pipeline its `repetition` events.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gputune.inject import datasets, repeats
from gputune.inject.guard import Guard
from gputune.inject.watch import Watch
from gputune.session.folder import Options, SessionFolder

folder = Path(tempfile.mkdtemp())


class Log:
    """Keeps the events."""

    def __init__(self):
        self.events = []

    def write(self, event, **fields):
        self.events.append({"event": event, **fields})


class Record(Log):
    """What is written of one pipeline."""

    def unavailable(self, metric, reason):
        self.write("unavailable", metric=metric, reason=reason)


log = Log()
session = SessionFolder(folder / "session")
session.create(Options())
watch = Watch(session, Options(), log, Guard(log))
datasets.watch(tf, watch)

tf.random.set_seed(7)
values = np.arange(600, dtype="float32").reshape(300, 2)


def decode(x):
    return tf.strings.join([tf.strings.as_string(x)], separator=","), x * 2


def seeded(x):
    return x + tf.random.uniform(x.shape)


def hidden(x):
    return jitter(x)


def jitter(x):
    return x + getattr(tf, "ran" + "dom").normal(x.shape)


def slices():
    return tf.data.Dataset.from_tensor_slices(values)


def write_records():
    for shard in range(3):
        path = folder / f"{shard}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for i in range(40):
                writer.write(f"{shard}-{i}".encode())
    return str(folder / "*.tfrecord")


def numpy_stage(x):
    return tf.numpy_function(lambda v: v + np.float32(1), [x], tf.float32)


def ragged(x):
    return tf.RaggedTensor.from_row_lengths(x, [1, 3]), tf.sparse.from_dense(x)


class Decoder:
    def __call__(self, x):
        return self.method(x)

    def method(self, x):
        return x * 3


def in_a_function():
    return slices().map(lambda x: x + 1).shuffle(9).map(Decoder().method).map(Decoder())


PIPELINES = {
    "plain": lambda: slices().map(decode).batch(4).prefetch(1),
    "shuffled": lambda: slices().shuffle(300, seed=1).map(decode).batch(4),
    "seeded": lambda: slices().map(seeded).map(lambda x: x + 1),
    "hidden": lambda: slices().map(hidden),
    "records": lambda: (
        tf.data.Dataset.list_files(write_records())
        .interleave(tf.data.TFRecordDataset, cycle_length=2, num_parallel_calls=2)
        .map(tf.strings.upper, num_parallel_calls=2)
        .repeat()
        .batch(8)
    ),
    "generator": lambda: tf.data.Dataset.from_generator(
        lambda: iter(values), output_signature=tf.TensorSpec((2,), tf.float32)
    ).map(lambda x: x + 1),
    "numpy": lambda: slices().map(numpy_stage).map(lambda x: x + 1),
    "file cache": lambda: slices().cache(str(folder / "cache")).map(lambda x: x + 1),
    "batched": lambda: slices().batch(4).map(ragged),
    "weak": in_a_function,
    "zip": lambda: tf.data.Dataset.zip(
        (slices().map(lambda x: x + 1), tf.data.Dataset.range(300))
    ).map(lambda x, i: x * tf.cast(i, tf.float32)),
    "variable": lambda: slices().map(counting()),
    "keras files": lambda: keras_files(),
    "window": lambda: tf.data.Dataset.range(400).window(4).flat_map(lambda w: w.batch(4)),
}


def counting():
    counter = tf.Variable(0.0)
    bump = getattr(counter, "assign" + "_add")

    def count(x):
        return x + bump(1.0)

    return count


def keras_files():
    for kind in ("a", "b"):
        (folder / "files" / kind).mkdir(parents=True, exist_ok=True)
        for i in range(12):
            (folder / "files" / kind / f"{i}.txt").write_text(f"{kind} {i}")
    made = keras.utils.text_dataset_from_directory(str(folder / "files"), batch_size=None)
    return made.map(lambda text, label: (tf.strings.lower(text), label))


found = {}
for name, build in PIPELINES.items():
    dataset = build()
    # As in training: an iterator of the script's own lives and has been used.
    iterator = iter(dataset)
    next(iterator)
    before = len(log.events)
    record = Record()
    repeats.look(tf, watch.recorder, record, watch.recorder.id_of(dataset))
    assert len(log.events) == before, f"{name}: looking was recorded as the script's own calls"
    next(iterator)
    found[name] = record.events
assert not [e for e in log.events if e["event"] == "hook_disabled"], log.events
print(json.dumps(found))
sys.stdout.flush()
os._exit(0)
