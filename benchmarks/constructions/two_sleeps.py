"""Two C++ sleeps in a row, of nearly equal length."""

import common
from tensorflow.python.data.experimental.ops.testing import sleep


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--first-us", type=int, default=500, help="first sleep, us an element")
    parser.add_argument("--second-us", type=int, default=400, help="second sleep, us an element")
    parser.add_argument("--between", default="none", help="what stands between the two")


def build_dataset(args):
    """The pipeline."""
    dataset = common.rows()
    dataset = dataset.apply(sleep(args.first_us))  # culprit: first
    dataset = common.between(dataset, args.between)
    dataset = dataset.apply(sleep(args.second_us))  # culprit: second
    return dataset.batch(args.batch)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
