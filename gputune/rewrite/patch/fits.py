"""The calls of Keras' `fit`."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.source import Source, method_of, receiver
from gputune.rewrite.patch.sources import Sources

_OF_KERAS = (
    "epochs", "callbacks", "validation_data", "validation_split", "steps_per_epoch", "batch_size",
    "verbose", "initial_epoch", "class_weight",
)  # fmt: skip


def keras_fits(sources: Sources) -> list[tuple[Source, cst.Call]]:
    """The calls of `fit` on what is compiled, or with arguments of Keras'; else the only one."""
    every = [
        (source, call) for source in sources.own() for call in source.calls
        if method_of(call) == "fit" and isinstance(call.func, cst.Attribute)
    ]  # fmt: skip
    compiled = {
        source.text(on) for source in sources.own() for call in source.calls
        if method_of(call) == "compile" and (on := receiver(call)) is not None
    }  # fmt: skip
    sure = []
    for source, call in every:
        on = receiver(call)
        named = {arg.keyword.value for arg in call.args if arg.keyword is not None}
        if named & set(_OF_KERAS) or (on is not None and source.text(on) in compiled):
            sure.append((source, call))
    return sure or (every if len(every) == 1 else [])
