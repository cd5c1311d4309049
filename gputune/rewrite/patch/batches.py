"""The calls that make the batches of the training, where none is recorded."""

from __future__ import annotations

import libcst as cst

from gputune.rewrite.patch.fits import keras_fits
from gputune.rewrite.patch.plan import Plan, Refused
from gputune.rewrite.patch.source import Source, argument, hides_arguments, method_of
from gputune.rewrite.patch.upstream import feeding, of_maker

_OF_MODELS = ("fit", "evaluate", "predict")
_Found = list[tuple[Source, cst.Call]]


def batching(made: Plan, methods: list[str], value: str) -> _Found:
    """The calls to give a batch size: of `fit` on arrays, or the last that makes batches above it.

    Raises Refused where what the training is fed is not known so far.
    """
    fits = keras_fits(made.sources)
    if not fits:
        return _only(made, methods)
    for source, call in fits:
        if hides_arguments(call):
            return [(source, call)]  # whose reason is said there
    arrays = [_takes_arrays(call) for _, call in fits]
    data = {(_data(source, call), all(arrays) or source.function(call)) for source, call in fits}
    if len(data) > 1:
        lines = ", ".join(source.label(call) for source, call in fits)
        raise Refused(
            f"several trainings have different data ({lines}): which is meant is not recorded"
        )
    if all(arrays):
        return fits
    source, call = fits[0]
    return [_above(made, source, call, methods, value)]


def _only(made: Plan, methods: list[str]) -> _Found:
    """The only call that makes batches, of a script without `fit`."""
    found = _makers(made.sources.own(), methods)
    if not found:
        raise Refused("no call that takes a batch size is found")
    if len(found) > 1:
        lines = ", ".join(s.label(c) for s, c in found[:6])
        raise Refused(f"several calls make batches ({lines}), and which is meant is not recorded")
    return found


def _makers(sources: list[Source], methods: list[str]) -> _Found:
    return [
        (source, call) for source in sources for call in source.calls
        if method_of(call) in methods and method_of(call) not in _OF_MODELS
    ]  # fmt: skip


def _takes_arrays(fit: cst.Call) -> bool:
    """Whether the data are arrays for sure: Keras takes a `y` with nothing else."""
    given = argument(fit, "y", 1)
    return given is not None and not (
        isinstance(given.value, cst.Name) and given.value.value == "None"
    )


def _data(source: Source, fit: cst.Call) -> tuple[str, ...]:
    given = [argument(fit, "x", 0), argument(fit, "y", 1)]
    return tuple(source.text(arg.value) if arg is not None else "" for arg in given)


def _above(
    made: Plan, source: Source, fit: cst.Call, methods: list[str], value: str
) -> tuple[Source, cst.Call]:
    """The last call that makes batches, of the pipeline that `fit` is given."""
    given = argument(fit, "x", 0)
    where = source.label(fit)
    if given is None:
        raise Refused("what fit(…) is given is not found", where)
    above = feeding(source, given.value)
    of_function = of_maker(source, above.begins)
    for call in reversed([one for one in above.calls if one not in of_function]):
        if method_of(call) in methods and method_of(call) not in _OF_MODELS:
            return source, call
    begins = above.begins
    if isinstance(begins, cst.Call) and method_of(begins) in methods:
        return source, begins
    if isinstance(begins, cst.Call):
        inside = [
            (there, call) for there in made.sources.own() for call in of_maker(there, begins)
            if method_of(call) in methods and method_of(call) not in _OF_MODELS
        ]  # fmt: skip
        if len(inside) == 1:
            return inside[0]
    raise Refused(
        f"fit is fed from «{source.text(begins)[:60]}», and it is not certain what makes the "
        f"batches there: set the batch size {value} where they are made",
        where,
    )
