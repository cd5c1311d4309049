"""The calls of Keras' `compile` of the models that are trained."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.fits import keras_fits
from gputune.rewrite.patch.names import bound_anywhere
from gputune.rewrite.patch.overrides import OF_KERAS, of_super
from gputune.rewrite.patch.plan import Refused
from gputune.rewrite.patch.source import Source, method_of, receiver
from gputune.rewrite.patch.sources import Sources

Call = tuple[Source, cst.Call]


def keras_compiles(sources: Sources) -> list[Call]:
    """The calls that compile what is trained; raises Refused where that cannot be told."""
    found = [
        (source, call) for source in sources.own() for call in source.calls
        if method_of(call) == "compile" and not of_super(source, call)
        and _of_keras(sources, source, call)
    ]  # fmt: skip
    if not found:
        raise Refused("no model.compile(…) stands in the script or in what it imports")
    return found if len({_model(*one) for one in found}) == 1 else _trained(sources, found)


def _trained(sources: Sources, found: list[Call]) -> list[Call]:
    """Of several models those that the calls of `fit` name, each in one way only."""
    fits = [_model(source, call) for source, call in keras_fits(sources)]
    names = {name for _, name in fits}
    trained = [one for one in found if _model(*one)[1] in names]
    by_name = {name: {_model(*one) for one in trained if _model(*one)[1] == name} for name in names}
    alone = all(len(models) == 1 or models <= set(fits) for models in by_name.values())
    if not fits or not alone or not all(by_name.values()):
        lines = ", ".join(source.label(call) for source, call in found[:6])
        raise Refused(
            f"several models are compiled ({lines}), and which of them is trained cannot be told"
        )
    return trained


def _model(source: Source, call: cst.Call) -> tuple[int, str]:
    """What a method is called on: a variable of a function, or what is the same everywhere."""
    on = receiver(call)
    name = source.text(on) if on is not None else ""
    return id(source.function(call) or source) if isinstance(on, cst.Name) else 0, name


def _of_keras(sources: Sources, source: Source, call: cst.Call) -> bool:
    """Whether it may be a model that is compiled: no pattern, no program."""
    on = receiver(call)
    if on is None or method_of(on) in ("lower", "trace"):  # `jax.jit(f).lower(x).compile()`
        return False
    named = {arg.keyword.value for arg in call.args if arg.keyword is not None}
    if named & OF_KERAS:
        return True
    root = source.text(on).partition(".")[0]
    if root in bound_anywhere(source) and isinstance(on, cst.Name | cst.Attribute):
        own = sources.imported(source, root) or sources.module(source, root)
        return own is not None  # else `re.compile("x")`, by whatever name
    return True
