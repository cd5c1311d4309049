"""One helper called on two lines: the line that calls it for the dearer stage is the culprit."""

import common
from tensorflow.python.data.experimental.ops.testing import sleep


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--first", type=int, default=20, help="us of sleep, or matrix products")
    parser.add_argument("--second", type=int, default=5, help="the same, at the second call")
    parser.add_argument("--how", choices=("sleep", "map"), default="map")


def slow(dataset, how, amount):
    """Add a stage that costs `amount`."""
    if how == "sleep":
        return dataset.apply(sleep(amount))

    def work(features, label):
        return features + common.burn(features, amount), label

    return dataset.map(work)


def build_dataset(args):
    """The pipeline."""
    dataset = common.rows()
    dataset = slow(dataset, args.how, args.first)  # culprit: first
    dataset = slow(dataset, args.how, args.second)  # culprit: second
    return dataset.batch(args.batch)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
