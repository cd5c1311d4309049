"""A layer's own input specification: the number of axes, and the sizes that its weights have."""

from __future__ import annotations

from gputune.checks.script.reading import Shape
from gputune.checks.script.shapes.declared import channels_cure
from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.parts import Wants
from gputune.checks.script.shapes.words import (
    Diagnosis,
    axes,
    axis_name,
    called,
    first_upper,
    shown,
)

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D")
_PLANE = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "MaxPooling2D",
          "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "UpSampling2D",
          "ZeroPadding2D", "Cropping2D")  # fmt: skip
_LINE = ("Conv1D", "SeparableConv1D", "Conv1DTranspose", "MaxPooling1D", "AveragePooling1D",
         "GlobalAveragePooling1D", "GlobalMaxPooling1D")  # fmt: skip
_FLATTENING = ("Flatten", "Dense", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
               "GlobalAveragePooling1D", "GlobalMaxPooling1D")  # fmt: skip


def diagnose(facts: Facts) -> Diagnosis | None:
    """What a layer's specification says of its input; None where it has none, or it is met."""
    if facts.stage != "layer" or not facts.wants:
        return None
    for want, got in zip(facts.wants, facts.given, strict=False):
        least = want.ndim if want.ndim is not None else want.min_ndim
        most = want.ndim if want.ndim is not None else want.max_ndim
        if least is not None and len(got) < least:
            missing = _missing(facts, least, got)
            return _said(facts, got, f"wants {_count(want)}", missing)
        if most is not None and len(got) > most:
            return _said(facts, got, f"wants {_count(want)}", _too_many(facts, most, got))
        for axis, size in want.axes.items():
            if -len(got) <= axis < len(got) and got[axis] not in (None, size):
                what = f"was built for {size} at {axis_name(axis)}"
                return _said(facts, got, what, _width(facts, axis, size, got))
    return None


def _said(facts: Facts, got: Shape, what: str, remedy: str) -> Diagnosis:
    return Diagnosis(
        title=f"{first_upper(called(facts.part))} {what} and gets {shown(got)}"
        + (f" from `{facts.by.name}`." if facts.by is not None else "."),
        remedy=remedy,
    )


def _count(want: Wants) -> str:
    if want.ndim is not None:
        return axes(want.ndim)
    least = f"at least {axes(want.min_ndim)}" if want.min_ndim is not None else ""
    most = f"at most {axes(want.max_ndim)}" if want.max_ndim is not None else ""
    return " and ".join(filter(None, (least, most)))


def _missing(facts: Facts, least: int, got: Shape) -> str:
    kind, by = facts.part.kind, facts.by
    if by is not None:
        return _after(facts, least)
    if kind in _RECURRENT and len(got) == 2:
        return (
            "The timesteps axis is missing: give it (samples, timesteps, features), by cutting "
            "the rows into windows, or x[:, None, :] for one timestep a sample."
        )
    if kind in _PLANE and len(got) == 3:
        if got[-1] in (1, 3, 4) and got[-1] != got[0]:
            return (
                "The batch axis is missing: end the dataset with .batch(32), and give a single "
                "picture as x[None, ...]."
            )
        return "The channel axis is missing: x = x[..., None], and Input(shape=(height, width, 1))."
    if kind in _PLANE:
        return (
            "Give it pictures of shape (samples, height, width, channels): "
            "x.reshape(-1, height, width, channels)."
        )
    if kind in _LINE and len(got) == 2:
        return (
            "The channel axis is missing: x = x[..., None] makes (samples, timesteps, 1) of a "
            "table's rows."
        )
    if len(got) == least - 1:
        return (
            "An axis is missing, as a rule the batch: end the dataset with .batch(32), and give a "
            "single sample as x[None, ...]."
        )
    return f"Reshape its input to {axes(least)}, the first one the batch."


def _after(facts: Facts, least: int) -> str:
    by = facts.by
    assert by is not None
    if by.kind in _RECURRENT:
        return (
            f"Give `{by.name}` return_sequences=True: without it, it hands on its last timestep "
            "alone."
        )
    if by.kind in _FLATTENING:
        return (
            f"`{by.name}` ({by.kind}) has taken the axes away that this layer works on: put the "
            f"layer before it, or a Reshape to {axes(least)} between them."
        )
    return f"Put a Reshape to {axes(least)} between `{by.name}` and this layer."


def _too_many(facts: Facts, most: int, got: Shape) -> str:
    kind = facts.part.kind
    if kind in _RECURRENT and len(got) >= 4:
        return (
            "Make one vector of each timestep: TimeDistributed(Flatten()) before it, or "
            "Reshape((timesteps, features))."
        )
    if kind in _LINE and len(got) == 4:
        two = kind.replace("1D", "2D")
        return f"For pictures use {two}, or a Reshape to 3 axes before it."
    if got[-1] == 1 and len(got) == most + 1:
        return "Its input has a last axis of size 1 too many: x = x[..., 0]."
    if facts.by is None:
        return (
            f"Its input has {len(got)} axes: a dataset that is batched twice has one too many, "
            "and so has an array that was expanded twice."
        )
    return f"Put Flatten() or a Reshape to {axes(most)} between `{facts.by.name}` and this layer."


def _width(facts: Facts, axis: int, size: int, got: Shape) -> str:
    kind = facts.part.kind
    if kind in _PLANE and axis in (-1, 3) and len(got) == 4:
        if got[1] == size and got[-1] != size:
            return (
                "The channels come first in the input, and the layer wants them last: "
                "x = x.transpose(0, 2, 3, 1)."
            )
        return channels_cure(size, got[-1])
    if facts.by is not None:
        return (
            f"`{facts.by.name}` gives {got[axis]} where {size} was there when the layer was "
            f"built: give it {size} units, or use another {kind} for this input."
        )
    return (
        f"Its weights were made for {size}, at the first call or by Input: give it {size} "
        f"features, or make a new {kind} for data of {got[axis]}."
    )
