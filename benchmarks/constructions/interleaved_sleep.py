"""Several readers in parallel, each of which sleeps in C++ on every element it reads."""

import common
import tensorflow as tf
from tensorflow.python.data.experimental.ops.testing import sleep


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--sleep-us", type=int, default=500, help="sleep for one element, us")
    parser.add_argument("--parallel", type=int, default=2)


def build_dataset(args):
    """The pipeline; both lines of the reader count as the culprit."""

    def reader(_):
        return common.rows().apply(sleep(args.sleep_us))  # culprit

    files = tf.data.Dataset.range(args.parallel)
    dataset = files.interleave(  # culprit
        reader, cycle_length=args.parallel, num_parallel_calls=args.parallel
    )
    return dataset.batch(args.batch).prefetch(1)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
