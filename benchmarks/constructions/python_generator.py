"""A Python generator that sleeps before each element."""

import time

import common
import tensorflow as tf


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--sleep-us", type=int, default=500, help="sleep for one element, us")


def build_dataset(args):
    """The pipeline."""
    features, labels = common.arrays()

    def elements():
        while True:
            for row, label in zip(features, labels, strict=True):
                time.sleep(args.sleep_us * 1e-6)
                yield row, label

    signature = (
        tf.TensorSpec((common.FEATURES,), tf.float32),
        tf.TensorSpec((), tf.int32),
    )
    dataset = tf.data.Dataset.from_generator(elements, output_signature=signature)  # culprit
    return dataset.batch(args.batch)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
