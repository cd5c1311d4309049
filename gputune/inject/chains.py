"""The recorded calls that a living dataset stands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gputune.inject.datasets import Made

SOURCES = {"from_tensor_slices", "from_tensors", "range", "list_files", "load"}
READERS = ("TFRecordDataset", "TextLineDataset", "FixedLengthRecordDataset", "CsvDataset")
_LONGEST = 1000
_UNKNOWN = Made(0, "an unknown call", (), {}, lambda: None, "")


def chain(living: dict[int, tuple[Any, Made]], last: int) -> list[tuple[Any, Made]]:
    """From the source, or from the last place where datasets come together, to the model."""
    found: list[tuple[Any, Made]] = []
    number: int | None = last
    while number is not None and number in living and len(found) < _LONGEST:
        found.append(living[number])
        inputs = living[number][1].inputs
        number = inputs[0] if len(inputs) == 1 else None
    return found[::-1]


def above(living: dict[int, tuple[Any, Made]], made: Made) -> Sequence[Made]:
    """The call and all that it stands on."""
    found: dict[int, Made] = {}
    left = [made]
    while left:
        call = left.pop()
        if call.id in found:
            continue
        found[call.id] = call
        # A dataset that is gone: its elements would come from what nobody can look at.
        left += [living[n][1] if n in living else _UNKNOWN for n in call.inputs]
    return list(found.values())


def is_source(method: str) -> bool:
    """Whether the call makes a dataset out of none, and is known to give the same each time."""
    return method in SOURCES or method.startswith(READERS)


def changes_order(made: Made) -> bool:
    """Whether the order of the elements is another in each pass."""
    if made.method == "shuffle":
        return made.arguments.get("reshuffle_each_iteration", True) is not False
    return made.method == "list_files" and made.arguments.get("shuffle", True) is not False
