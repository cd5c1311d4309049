"""From labels in their order to findings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

SORTED = 0.1
"""Changes from one label to the next, as a share of those that a random order has. Ten times
fewer does not happen by chance where EXPECTED of them are to be expected."""
EXPECTED = 20.0
ONE_CLASS = 128
"""Labels in a row of one class that are no chance with balanced classes: 2^-127."""
HELD_CLASSES = 0.5
"""Of all classes; a validation split of sorted labels that has more of them may be meant (the end
of a recording)."""
MOST_CLASSES = 0.5
"""Of the labels; where more are distinct they are no classes but numbers."""


class Shuffled(Enum):
    """Whether something shuffles, as far as gputune can see."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Order:
    """`classes` are labels in a row: all of an array (`whole`), or those of some batches."""

    classes: tuple[int, ...] = ()
    whole: bool = False
    shuffled: Shuffled = Shuffled.UNKNOWN
    validation_split: float = 0.0
    stateful: bool = False


def judge(order: Order, site: Site | None) -> Iterator[Finding]:
    """`data-sorted`, `one-class-in-a-row`, `validation-split-of-sorted`, `no-shuffle`."""
    if order.stateful:
        return
    split = list(_split(order, site))
    yield from split
    in_order = order.shuffled is not Shuffled.YES or not order.whole
    if in_order and _is_sorted(order.classes):
        yield _sorted(order, site)
    elif not order.whole and len(order.classes) >= ONE_CLASS and len(set(order.classes)) == 1:
        yield _one_class(order, site)
    elif order.shuffled is Shuffled.NO:
        yield _unshuffled(order, site)


def changes(classes: Sequence[int]) -> tuple[int, float]:
    """How often the label changes from one sample to the next, and how often by chance.

    In a random order of n labels with shares p the next one is another with probability
    1 − Σp², so that (n − 1)(1 − Σp²) changes are expected.
    """
    count = len(classes)
    if count < 2:
        return 0, 0.0
    seen = sum(a != b for a, b in pairwise(classes))
    same = sum((n / count) ** 2 for n in Counter(classes).values())
    return seen, (count - 1) * (1 - same)


def _is_sorted(classes: Sequence[int]) -> bool:
    if len(set(classes)) > MOST_CLASSES * len(classes):
        return False
    seen, expected = changes(classes)
    return expected >= EXPECTED and seen < SORTED * expected


def _sorted(order: Order, site: Site | None) -> Finding:
    seen, expected = changes(order.classes)
    return Finding(
        id="data-sorted",
        severity=Severity.PROBLEM,
        title="The training data come sorted by their label: batches hold one class each.",
        evidence=(
            f"of {len(order.classes):,} labels in a row {seen} differ from the one before, "
            f"{expected:.0f} would by chance",
        ),
        remedy=_remedy(order),
        site=site,
    )


def _one_class(order: Order, site: Site | None) -> Finding:
    shuffles = order.shuffled is Shuffled.YES
    return Finding(
        id="one-class-in-a-row",
        severity=Severity.WARNING,
        title=f"All {len(order.classes)} labels that were looked at are {order.classes[0]}.",
        evidence=(
            "they are those of some batches in a row; the data are sorted by label"
            + (" and the shuffle's buffer is small beside them" if shuffles else "")
            + ", or hardly any other label occurs",
        ),
        remedy=_remedy(order),
        site=site,
    )


def _unshuffled(order: Order, site: Site | None) -> Finding:
    return Finding(
        id="no-shuffle",
        severity=Severity.NOTE,
        title="Nothing shuffles the training data: each epoch has the same batches.",
        evidence=("fit has shuffle=False",) if order.whole else ("no call of tf.data does",),
        remedy=_remedy(order),
        site=site,
    )


def _split(order: Order, site: Site | None) -> Iterator[Finding]:
    """`validation_split` takes the last samples of an array, before anything is shuffled."""
    if not order.whole or not 0 < order.validation_split < 1:
        return
    begin = int(len(order.classes) * (1 - order.validation_split))
    trained, held = set(order.classes[:begin]), order.classes[begin:]
    every = set(order.classes)
    if not _is_sorted(order.classes) or len(set(held)) > HELD_CLASSES * len(every):
        return
    unseen = sum(label not in trained for label in held) / len(held)
    yield Finding(
        id="validation-split-of-sorted",
        severity=Severity.PROBLEM,
        title="The data are sorted by label, and validation_split takes their last part: "
        f"{len(set(held))} of {len(every)} classes.",
        evidence=(
            f"the last {len(held):,} labels are for validation, the first {begin:,} for training",
            *(
                (f"{unseen:.0%} of them are of a class that the training never sees",)
                if unseen
                else ()
            ),
        ),
        remedy="Shuffle x and y together before fit (numpy.random.permutation, or sklearn's "
        "train_test_split with stratify=y).",
        site=site,
    )


def _remedy(order: Order) -> str:
    if order.whole:
        return "Leave shuffle=False out: fit then shuffles arrays in each epoch."
    return (
        "Shuffle before batching, with a buffer as large as the data or a good part of them: "
        ".shuffle(10_000).batch(32); of large elements shuffle the file names first."
    )
