"""The check `patience`: callbacks that wait for more epochs than the source lets pass."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from gputune.checks.advice import patience_too_long
from gputune.checks.source.tree import Source, argument, is_spread, last_name
from gputune.schema.finding import Finding

_CALLBACKS = ("EarlyStopping", "ReduceLROnPlateau")
_CHANGE_IT = ("restore_best_weights", "baseline", "start_from_epoch")
"""With these a long patience may be meant, or be another one: the running script knows."""


def findings(source: Source) -> Iterator[Finding]:
    """`patience-too-long` for each callback, where every `fit` of the file has literal epochs."""
    epochs = _longest_training(source)
    if epochs is None:
        return
    for call in source.calls(*_CALLBACKS):
        if is_spread(call) or any(argument(call, name) is not None for name in _CHANGE_IT):
            continue
        kind = last_name(call.func)
        given = argument(call, "patience")
        patience = source.value(given)
        if isinstance(patience, int) and patience >= epochs:
            yield patience_too_long(kind, patience, epochs, source.site(call))


def _longest_training(source: Source) -> int | None:
    """The most epochs of a `fit` in the file; None where one of them cannot be known."""
    fits = source.calls("fit")
    known: list[int] = []
    for call in fits:
        node = argument(call, "epochs", 3)
        if node is None and not is_spread(call) and _trains(call):
            known.append(1)
            continue
        value = source.value(node)
        if not isinstance(value, int):
            return None
        known.append(value)
    return max(known, default=None)


def _trains(call: cst.Call) -> bool:
    """Whether a `fit` without `epochs` may be a model's: scalers have a `fit` too."""
    keywords = {given.keyword.value for given in call.args if given.keyword is not None}
    return bool(keywords & {"callbacks", "validation_data", "validation_split", "verbose"})
