"""How long a matrix product takes here: in the model's step, and in a map of the pipeline.

Lengths of constructions are asked for in seconds and turned into loops with these figures. They
need not be exact (the oracle measures the truth), only near what was asked for.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import common
import keras
import tensorflow as tf
from oracle import Block, held


def model_step_s(loops):
    """Seconds for a held step of the model with `loops` products: the least of three blocks."""
    args = common.arguments(None, lambda _: None).parse_args(["--model-loops", str(loops)])
    model, data = common.build_model(args), held(common.rows().batch(args.batch))
    least = float("inf")
    for _ in range(3):
        block = Block(0.3, 0.6, 5)
        common.train(model, data, args, [block])
        least = min(least, block.step_s(1))
    return least


def input_loop_s(loops=200, elements=20):
    """Seconds for one product in a serial map: the least of five windows."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.map_parallelization = False
    options.experimental_optimization.inject_prefetch = False
    dataset = common.rows().map(lambda x, y: (x + common.burn(x, loops), y))
    iterator = iter(dataset.with_options(options))
    least = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        for _ in range(elements):
            next(iterator)
        least = min(least, (time.perf_counter() - start) / (elements * loops))
    return least


def main():
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    keras.utils.set_random_seed(0)
    few, many = 20, 220
    low, high = model_step_s(few), model_step_s(many)
    loop_s = max((high - low) / (many - few), 1e-7)
    figures = {
        "model_loop_s": loop_s,
        "model_base_s": max(low - few * loop_s, 0.0),
        "input_loop_s": input_loop_s(),
    }
    out.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
