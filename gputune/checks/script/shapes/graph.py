"""What only the running graph sees: an index or a label beyond its range."""

from __future__ import annotations

import re

from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.words import Diagnosis, called, first_upper

_INDEX = re.compile(r"indices\[[\d,]*\] = (-?\d+) is not in \[0, (\d+)\)")
_LABEL = re.compile(r"label value of (-?\d+) which is outside the valid range of \[0, (\d+)\)")


def diagnose(facts: Facts) -> Diagnosis | None:
    """What is wrong with a value; None where the error is about none."""
    index, label = _INDEX.search(facts.text), _LABEL.search(facts.text)
    if index is not None:
        return _index(facts, int(index[1]), int(index[2]))
    if label is not None:
        return _label(facts, int(label[1]), int(label[2]))
    return None


def _index(facts: Facts, value: int, size: int) -> Diagnosis:
    part = facts.part
    who = first_upper(called(part)) if part.name else "An Embedding or a gather"
    remedy = (
        "Negative indices have no row: number the words from 0."
        if value < 0
        else f"Give it input_dim={value + 1} or more, the largest index in the data plus 1 "
        "(words beyond the vocabulary count too), or map larger indices to one for unknown words."
    )
    return Diagnosis(
        title=f"{who} is asked for row {value} and has the rows 0 to {size - 1}.",
        remedy=remedy,
        id="index-out-of-range",
    )


def _label(facts: Facts, value: int, size: int) -> Diagnosis:
    last = facts.model.last if facts.model is not None else None
    who = first_upper(called(last)) if last is not None else "The model"
    remedy = (
        "Labels begin at 0: leave out, or renumber, those below."
        if value < 0
        else f"Give it {value + 1} units or more, one for each class, or number the labels from 0."
    )
    return Diagnosis(
        title=f"{who} has {size} classes, and a label is {value}.",
        remedy=remedy,
        id="label-out-of-range",
    )
