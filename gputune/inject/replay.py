"""A recorded `tf.data` call made once more, on another dataset than the script made it on."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from gputune.inject.datasets import Made

WITH_FUNCTION = {"map": "map_func", "interleave": "map_func", "flat_map": "map_func",
                 "filter": "predicate"}  # fmt: skip
"""Methods that run a function of the user's, and the argument that it is."""
TRANSPARENT = {"shuffle", "prefetch", "with_options", "cache", "repeat"}
"""Methods that change when and in which order elements come, but not the elements."""
REGROUPING = {"batch", "unbatch", "take", "skip", "shard", "enumerate", "window"}
"""Methods whose elements hang on the order of what comes in; all they are given are numbers."""
_ORDERED = {"deterministic": True}


class CannotReplay(Exception):
    """Why the call cannot be made again; the message is the reason."""


def again(tf: ModuleType, dataset: Any, made: Made) -> Any:
    """The dataset that the recorded call makes of `dataset`; its order is deterministic.

    Raises CannotReplay for a call whose arguments were not kept. A call of TRANSPARENT gives
    `dataset` itself.
    """
    if made.method in TRANSPARENT:
        return dataset
    arguments = {k: v for k, v in made.arguments.items() if not isinstance(v, dict)}
    if made.method in WITH_FUNCTION:
        function = made.function()
        if function is None:
            raise CannotReplay("its function is no longer there")
        arguments[WITH_FUNCTION[made.method]] = function
        if made.method == "map":
            arguments = {"map_func": function, "num_parallel_calls": tf.data.AUTOTUNE, **_ORDERED}
        elif made.method == "interleave":
            arguments.update(_ORDERED if "num_parallel_calls" in arguments else {})
    elif made.method not in REGROUPING:
        raise CannotReplay(f".{made.method}(…) cannot be made again")
    try:
        return getattr(dataset, made.method)(**arguments)
    except Exception as error:  # whatever the user's function raises while it is traced
        raise CannotReplay(f"making it again failed: {type(error).__name__}") from error
