"""Arrays in memory, given to `fit` as they are: nothing here is a culprit."""

import common

ROWS = 400_000


def add_arguments(parser):
    """This construction has no arguments of its own."""


def build_dataset(args):
    """The arrays."""
    return common.arrays(ROWS)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
