"""The truth of a construction: steps with its input against steps with an input always ready.

It uses nothing of gputune. In one process, one model, one compiled function: blocks of real
steps (R) and of held steps (H) alternate R H H R R H ..., and each block is one `fit`, so that
Keras' loop stands on both sides. Each real block has a *fresh* iterator, and it is gone before
the held block begins: an iterator kept alive would fill its buffers while held steps run, an
autotuned prefetch would double its depth at every such pause (full, then empty, is its sign to
grow), and real steps would then live on the savings for a second or more. A fresh iterator
begins like the script's own and is settled once its shuffle buffer and its parallelism have
come up: `--settle-s` is discarded at the start of each block.

A block in which other processes took more than a share of the cores is run again, while the
retries last. What they took is read from /proc/stat, without looking at the step's time.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path

import common
import keras
import load
import tensorflow as tf


def cpu_seconds():
    """CPU time that all processes have used, and that this one has."""
    own = os.times()
    return load.busy_s(), own.user + own.system


class Block(keras.callbacks.Callback):
    """Times the steps of one `fit` after `settle_s` and stops it `measure_s` later."""

    def __init__(self, settle_s, measure_s, least_steps):
        super().__init__()
        self.settle_s, self.measure_s, self.least = settle_s, measure_s, least_steps
        self.times_s = []
        self.begin = None
        self.cpu_s = []

    def on_train_batch_end(self, batch, logs=None):
        """Note the time; stop when enough was seen."""
        now = time.perf_counter()
        self.times_s.append(now)
        if self.begin is None:
            if now - self.times_s[0] >= self.settle_s and len(self.times_s) > 2:
                self.begin = len(self.times_s) - 1
                self.cpu_s.append(cpu_seconds())
            return
        calls = len(self.times_s) - 1 - self.begin
        if now - self.times_s[self.begin] >= self.measure_s and calls >= self.least:
            self.cpu_s.append(cpu_seconds())
            self.model.stop_training = True

    def step_s(self, steps_per_call):
        """Seconds for one step, the settling left out."""
        calls = len(self.times_s) - 1 - self.begin
        return (self.times_s[-1] - self.times_s[self.begin]) / (calls * steps_per_call)

    def foreign_fraction(self):
        """The share of all cores that other processes took meanwhile."""
        (busy_0, own_0), (busy_1, own_1) = self.cpu_s
        elapsed_s = self.times_s[-1] - self.times_s[self.begin]
        foreign_s = (busy_1 - busy_0) - (own_1 - own_0)
        return max(0.0, foreign_s / (elapsed_s * os.cpu_count()))


def held(dataset):
    """A dataset of the same element specification whose one batch is always ready in memory."""
    spec = dataset.element_spec
    batch = next(iter(dataset))

    def forget_shape(*parts):
        return tf.nest.map_structure(
            lambda t, s: tf.compat.v1.placeholder_with_default(t, s.shape), parts, spec
        )

    ready = tf.data.Dataset.from_tensors(batch).map(forget_shape).cache().repeat()
    if ready.element_spec != spec:
        raise RuntimeError(f"held batch: {ready.element_spec} is not {spec}")
    return ready


def as_dataset(data, batch):
    """The dataset that `fit` makes of `data`: itself, or what Keras builds around arrays."""
    if not isinstance(data, tuple):
        return data
    from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

    return ArrayDataAdapter(*data, batch_size=batch, shuffle=True).get_tf_dataset()


def count_traces(model):
    """Make `model` count how often its training step is traced; returns the growing list."""
    traces, train_step = [], model.train_step

    def counted(data):
        traces.append(time.perf_counter())
        return train_step(data)

    model.train_step = counted
    return traces


def run_block(model, data, options, args):
    """One undisturbed block, or the last tried; returns its record and how many were dropped."""
    tried = 0
    while True:
        block = Block(options.settle_s, options.measure_s, options.least_steps)
        common.train(model, data, args, [block])
        gc.collect()
        foreign = block.foreign_fraction()
        if foreign <= options.foreign_fraction or tried >= options.retries:
            break
        tried += 1
    steps = (len(block.times_s) - 1 - block.begin) * args.steps_per_execution
    step_s = block.step_s(args.steps_per_execution)
    return {"step_s": step_s, "steps": steps, "foreign_fraction": foreign}, tried


def run_blocks(model, sides, options, args):
    """Alternate blocks of the two sides R H H R ...; returns one record a block."""
    order = [options.first, "held" if options.first == "real" else "real"]
    records = []
    for pair in range(options.pairs):
        for side in order if pair % 2 == 0 else reversed(order):
            record, tried = run_block(model, sides[side], options, args)
            options.retries -= tried
            records.append({"pair": pair, "side": side, **record})
    return records


def parse():
    """The oracle's options; the construction's arguments come after `--`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", required=True, help="a construction beside this file")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--first", choices=("real", "held"), default="real")
    parser.add_argument("--settle-s", type=float, default=0.4)
    parser.add_argument("--measure-s", type=float, default=0.8)
    parser.add_argument("--least-steps", type=int, default=6, help="calls in a block, at least")
    parser.add_argument("--foreign-fraction", type=float, default=0.10)
    parser.add_argument("--retries", type=int, default=4, help="disturbed blocks to run again")
    parser.add_argument("--same", action="store_true", help="A/A: held steps on both sides")
    parser.add_argument("rest", nargs="*")
    return parser.parse_args()


def main():
    """Measure one half and write its blocks."""
    options = parse()
    module = importlib.import_module(Path(options.script).stem)
    args = common.arguments(module.__doc__, module.add_arguments).parse_args(options.rest)
    keras.utils.set_random_seed(0)
    data, model = module.build_dataset(args), common.build_model(args)
    ready = held(as_dataset(data, args.batch))
    sides = {"real": ready if options.same else data, "held": ready}
    traces = count_traces(model)
    for side in ("real", "held"):
        common.train(model, sides[side], args, [Block(0.3, 0.3, 2)])
    before = len(traces)
    blocks = run_blocks(model, sides, options, args)
    record = {"script": options.script, "blocks": blocks, "traces_in_blocks": len(traces) - before}
    options.out.write_text(json.dumps(record))


if __name__ == "__main__":
    sys.exit(main())
