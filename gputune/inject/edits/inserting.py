"""A call put behind a dataset, and what has to move behind it with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from gputune.inject.edits.kept import Kept, made_again
from gputune.inject.edits.orders import spelled
from gputune.knobs.knob import InsertCall, SetOption
from gputune.schema.config import Value
from gputune.session import events
from gputune.session.log import EventLog

_ELEMENT_BY_ELEMENT = ("map", "prefetch", "with_options", "ignore_errors")
"""Over these a shuffle or a repeat may move: they treat each element by itself."""
_DEVICE = "/GPU:0"


class NoPlace(Exception):
    """Why a setting cannot be put there; the message is the reason."""


def rank(edit: InsertCall | SetOption) -> int:
    """The order of what is put behind one call: caches, options, and what ends the pipeline."""
    if isinstance(edit, SetOption):
        return 1
    return 2 if edit.place == "last" else 0


def insert(
    tf: ModuleType, dataset: Any, edit: InsertCall, value: Value, chain: Sequence[Kept],
    log: EventLog,
) -> Any:  # fmt: skip
    """The dataset with the call behind it; `chain` are the calls that made it.

    Raises NoPlace where what has to move behind the call cannot.
    """
    if edit.to_device is not None and value == edit.to_device:
        return dataset.apply(tf.data.experimental.prefetch_to_device(_DEVICE))
    moved: list[Kept] = []
    first = next((i for i, call in enumerate(chain) if call.method in edit.moves), None)
    if first is not None:
        stay, moved = _moved(chain[first:], edit)
        dataset = made_again(chain[first].instance, stay)
    given = spelled(value, edit.words)
    if edit.method == "cache" and given:
        given = os.path.abspath(os.path.expanduser(str(given)))
        os.makedirs(os.path.dirname(given), exist_ok=True)
        # Ended before its first epoch is, it leaves a lock that stops the next run.
        log.write(events.CLEANUP, path=given)
    arguments = {} if given == "" else {edit.argument: given}
    return made_again(getattr(dataset, edit.method)(**arguments), moved)


def _moved(calls: Sequence[Kept], edit: InsertCall) -> tuple[list[Kept], list[Kept]]:
    """The calls that stay above the new one, and those that move behind it."""
    between = next(
        (c.method for c in calls if c.method not in (*edit.moves, *_ELEMENT_BY_ELEMENT)), None
    )
    if between is not None:
        moving = next(call.method for call in calls if call.method in edit.moves)
        raise NoPlace(
            f".{moving} stands above it, and cannot move behind .{edit.method}: "
            f".{between} is in between"
        )
    return (
        [call for call in calls if call.method not in edit.moves],
        [call for call in calls if call.method in edit.moves],
    )


def set_option(tf: ModuleType, dataset: Any, edit: SetOption, value: Value) -> Any:
    """The dataset with one option of `tf.data.Options` set; all others stay."""
    options = tf.data.Options()
    target = options
    *groups, name = edit.option.split(".")
    for group in groups:
        target = getattr(target, group)
    setattr(target, name, value)
    return dataset.with_options(options)
