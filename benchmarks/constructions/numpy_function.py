"""A Python function that sleeps, through tf.numpy_function, before or after the batch."""

import time

import common
import tensorflow as tf


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--sleep-us", type=int, default=500, help="sleep for one call, us")
    parser.add_argument("--after-batch", action="store_true")


def build_dataset(args):
    """The pipeline."""

    def slowly(features):
        time.sleep(args.sleep_us * 1e-6)
        return features

    def load(features, label):
        loaded = tf.numpy_function(slowly, [features], tf.float32)
        loaded.set_shape(features.shape)
        return loaded, label

    dataset = common.rows()
    if args.after_batch:
        dataset = dataset.batch(args.batch)
    dataset = dataset.map(load)  # culprit
    return dataset if args.after_batch else dataset.batch(args.batch)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
