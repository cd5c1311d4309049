"""A sleep in C++ on every element, in series; it holds no lock."""

import common
from tensorflow.python.data.experimental.ops.testing import sleep


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--sleep-us", type=int, default=500, help="sleep for one element, us")
    parser.add_argument("--between", default="none", help="what stands before the batch")
    parser.add_argument("--prefetch", type=int, default=0)


def build_dataset(args):
    """The pipeline."""
    dataset = common.rows()
    dataset = dataset.apply(sleep(args.sleep_us))  # culprit
    dataset = common.between(dataset, args.between)
    dataset = dataset.batch(args.batch)
    if args.prefetch:
        dataset = dataset.prefetch(args.prefetch)
    return dataset


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
