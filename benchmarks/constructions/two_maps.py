"""Two maps with work for a core, of nearly equal cost."""

import common


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--first-loops", type=int, default=20, help="matrix products of the first")
    parser.add_argument("--second-loops", type=int, default=15, help="and of the second")
    parser.add_argument("--between", default="none", help="what stands between the two")
    parser.add_argument("--parallel", type=int, default=0, help="0: none, -1: AUTOTUNE")


def build_dataset(args):
    """The pipeline."""

    def decode(features, label):
        return features + common.burn(features, args.first_loops), label

    def augment(features, label):
        return features + common.burn(features, args.second_loops), label

    calls = args.parallel or None
    dataset = common.rows()
    dataset = dataset.map(decode, num_parallel_calls=calls)  # culprit: first
    dataset = common.between(dataset, args.between)
    dataset = dataset.map(augment, num_parallel_calls=calls)  # culprit: second
    return dataset.batch(args.batch)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
