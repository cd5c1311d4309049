"""Work for a core in a map, on every element or on every batch."""

import common


def add_arguments(parser):
    """The arguments of this construction."""
    parser.add_argument("--loops", type=int, default=20, help="matrix products for one call")
    parser.add_argument("--parallel", type=int, default=0, help="0: none, -1: AUTOTUNE")
    parser.add_argument("--between", default="none", help="what stands before the batch")
    parser.add_argument("--after-batch", action="store_true")


def build_dataset(args):
    """The pipeline."""

    def decode(features, label):
        return features + common.burn(features, args.loops), label

    dataset = common.rows()
    if args.after_batch:
        dataset = dataset.batch(args.batch)
    dataset = dataset.map(decode, num_parallel_calls=args.parallel or None)  # culprit
    if args.after_batch:
        return dataset
    return common.between(dataset, args.between).batch(args.batch)


if __name__ == "__main__":
    common.main(__doc__, add_arguments, build_dataset)
