"""An input that is far faster than the model: nothing here is a culprit."""

import common
import tensorflow as tf


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--loops", type=int, default=0, help="matrix products for one batch")


def build_dataset(args):
    """The pipeline."""

    def light(features, label):
        return features + common.burn(features, args.loops), label

    dataset = common.rows().batch(args.batch)
    dataset = dataset.map(light, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
