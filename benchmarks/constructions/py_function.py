"""A Python function that sleeps, through tf.py_function, on every element or every batch."""

import time

import common
import tensorflow as tf


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--sleep-us", type=int, default=500, help="sleep for one element, us")
    parser.add_argument("--parallel", type=int, default=0, help="0: none, -1: AUTOTUNE")
    parser.add_argument("--between", default="none", help="what stands before the batch")


def build_dataset(args):
    """The pipeline."""

    def slowly(features):
        time.sleep(args.sleep_us * 1e-6)
        return features

    def load(features, label):
        loaded = tf.py_function(slowly, [features], tf.float32)
        loaded.set_shape(features.shape)
        return loaded, label

    dataset = common.rows()
    dataset = dataset.map(load, num_parallel_calls=args.parallel or None)  # culprit
    return common.between(dataset, args.between).batch(args.batch)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
