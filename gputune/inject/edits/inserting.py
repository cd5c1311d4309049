"""A call put behind a dataset, and what has to move behind it with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from gputune.inject.edits.kept import Kept, made_again
from gputune.inject.edits.orders import spelled
from gputune.knobs.knob import InsertCall, SetOption
from gputune.knobs.moving import CannotMove, moving
from gputune.schema.config import Value
from gputune.session import events
from gputune.session.log import EventLog

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
    try:
        indices = moving([call.method for call in chain], edit.moves, edit.method)
    except CannotMove as error:
        raise NoPlace(str(error)) from error
    moved = [chain[i] for i in indices]
    if indices:
        first = indices[0]
        stay = [call for i, call in enumerate(chain) if i >= first and i not in indices]
        dataset = made_again(chain[first].instance, stay)
    given = spelled(value, edit.words)
    if edit.method == "cache" and given:
        given = os.path.abspath(os.path.expanduser(str(given)))
        os.makedirs(os.path.dirname(given), exist_ok=True)
        # Ended before its first epoch is, it leaves a lock that stops the next run.
        log.write(events.CLEANUP, path=given)
    arguments = {} if given == "" else {edit.argument: given}
    return made_again(getattr(dataset, edit.method)(**arguments), moved)


def set_option(tf: ModuleType, dataset: Any, edit: SetOption, value: Value) -> Any:
    """The dataset with one option of `tf.data.Options` set; all others stay."""
    options = tf.data.Options()
    target = options
    *groups, name = edit.option.split(".")
    for group in groups:
        target = getattr(target, group)
    setattr(target, name, value)
    return dataset.with_options(options)
