"""The data against the inputs that the model was built with."""

from __future__ import annotations

import math
from itertools import permutations

from gputune.checks.script.reading import Shape, fits
from gputune.checks.script.shapes.facts import Facts
from gputune.checks.script.shapes.parts import ModelFacts
from gputune.checks.script.shapes.words import Diagnosis, shown

_COLOURS = (1, 3, 4)


def diagnose(facts: Facts) -> Diagnosis | None:
    """What is wrong between data and model; None where they fit, or nothing was declared.

    Keras lets sizes through that contradict the model's inputs, and a later layer fails: the
    layer that raised is then not the one to change.
    """
    return of_model(facts.model) if facts.model is not None else None


def of_model(model: ModelFacts) -> Diagnosis | None:
    """What is wrong between what a model was built for and what it is given; None where nothing."""
    if not model.declared or not model.given:
        return None
    if len(model.declared) != len(model.given):
        return _number(model)
    for index, (want, got) in enumerate(zip(model.declared, model.given, strict=True)):
        if not fits(want, got) and not _forgiven(want, got):
            return Diagnosis(title=_title(model, index, want, got), remedy=cure(want, got))
    return None


def cure(want: Shape, got: Shape) -> str:
    """What makes data of the shape `got` fit an input of the shape `want`."""
    if len(got) == len(want) - 1:
        return _one_axis_less(want, got)
    if len(got) == len(want) + 1:
        found = _one_axis_more(want, got)
        if found:
            return found
    if len(got) == len(want):
        return _other_sizes(want, got)
    if len(want) == 2 and _sizes(want) == _sizes(got):
        return "Flatten the data, x.reshape(len(x), -1), or begin the model with Flatten()."
    if _sizes(want) == _sizes(got):
        return f"Reshape the data: x.reshape{shown((-1, *want[1:]))}."
    return f"Give the model data of shape {shown(want)}, or build it for {shown((None, *got[1:]))}."


def _one_axis_less(want: Shape, got: Shape) -> str:
    if fits(want[1:], got) and not (want[-1] == 1 and fits(want[:-1], got)):
        return (
            "The batch axis is missing: end the dataset with .batch(32), and give a single sample "
            "as x[None, ...]."
        )
    if want[-1] == 1 and fits(want[1:-1], got[1:]):
        what = "channel axis" if len(want) == 4 else "last axis"
        return f"The {what} is missing: x = x[..., None]."
    if len(want) == 4 and want[-1] in _COLOURS and want[-1] != 1 and fits(want[1:-1], got[1:]):
        return (
            "The channel axis is missing: the pictures are grey, so repeat them, "
            f"np.repeat(x[..., None], {want[-1]}, axis=-1), or build the model for 1 channel."
        )
    if len(want) == 3 and want[-1] is not None and got[-1] == want[-1]:
        return (
            "The timesteps axis is missing: cut the rows into windows of shape (samples, "
            f"timesteps, features), as {shown(want)} says."
        )
    if _sizes(want) == _sizes(got):
        return f"Reshape the data: x.reshape{shown((-1, *want[1:]))}."
    return f"An axis is missing: give the model data of shape {shown(want)}."


def _one_axis_more(want: Shape, got: Shape) -> str:
    if fits(want, got[1:]) and not (len(want) == 2 and _sizes(want) == _sizes(got)):
        return "The data are batched twice: leave out one .batch(…), or call .unbatch() before it."
    if got[-1] == 1 and fits(want, got[:-1]):
        return "The data have a last axis of size 1 too many: x = x[..., 0]."
    if len(want) == 2 and _sizes(want) == _sizes(got):
        return "Flatten the data, x.reshape(len(x), -1), or begin the model with Flatten()."
    return ""


def _other_sizes(want: Shape, got: Shape) -> str:
    moved = _permutation(want, got)
    if moved is not None:
        what = _SWAPPED.get((len(want), moved), "The axes are in another order")
        return f"{what}: x = x.transpose{shown(moved)}."
    wrong = [i for i, (a, b) in enumerate(zip(want, got, strict=True)) if a not in (None, b) and i]
    last = len(want) - 1
    if wrong == [last] and len(want) == 4:
        return channels_cure(want[last], got[last])
    if wrong == [1] and len(want) == 3:
        return (
            f"Each sample has {got[1]} timesteps, and the model was built for {want[1]}: cut or "
            "pad the series (keras.utils.pad_sequences), or build the model with "
            f"Input(shape=(None, {want[2]})) where no layer after it needs a fixed length."
        )
    if wrong == [last]:
        return (
            f"Each sample has {got[last]} features, and the model was built for {want[last]}: "
            f"Input(shape={shown(got[1:])}), or leave out what is too many."
        )
    if len(want) == 4:
        return (
            f"The pictures are {got[1]} x {got[2]}, and the model was built for {want[1]} x "
            f"{want[2]}: keras.layers.Resizing({want[1]}, {want[2]}) as the first layer, or "
            f"Input(shape={shown(got[1:])})."
        )
    return f"Build the model with Input(shape={shown(got[1:])}), or give it {shown(want)}."


_SWAPPED = {
    (4, (0, 2, 3, 1)): "The channels come first, and the model wants them last",
    (4, (0, 3, 1, 2)): "The channels come last, and the model wants them first",
    (3, (0, 2, 1)): "Timesteps and features are swapped",
}


def channels_cure(want: int | None, got: int | None) -> str:
    """What makes pictures of `got` channels fit a layer that wants `want`."""
    if (want, got) == (3, 1):
        return (
            "The pictures have 1 channel (grey) and the model wants 3 channels: "
            "tf.image.grayscale_to_rgb(x), or build the model for 1."
        )
    if (want, got) == (1, 3):
        return (
            "The pictures have 3 channels (colour) and the model wants 1: "
            "tf.image.rgb_to_grayscale(x), or build the model for 3 channels."
        )
    if (want, got) == (3, 4):
        return "The pictures have 4 channels, the last one alpha: x = x[..., :3]."
    return f"The data have {got} channels, and the model was built for {want}: build it for {got}."


def _permutation(want: Shape, got: Shape) -> tuple[int, ...] | None:
    """The axes of `got` in the order that makes it fit; None unless there is exactly one."""
    if len(want) > 5 or None in want[1:]:
        return None
    orders = [
        (0, *order)
        for order in permutations(range(1, len(got)))
        if tuple(got[i] for i in order) == want[1:] and order != tuple(range(1, len(got)))
    ]
    # Of pictures with equal sides two orders fit; the one that keeps the others' order is meant.
    for order in orders:
        if order in ((0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 1)):
            return order
    return orders[0] if len(orders) == 1 else None


def _number(model: ModelFacts) -> Diagnosis:
    want, got = len(model.declared), len(model.given)
    named = f" ({', '.join(model.input_names)})" if model.input_names else ""
    return Diagnosis(
        title=f"The model `{model.part.name}` has {want} input{'' if want == 1 else 's'}{named} "
        f"and is given {got}.",
        remedy=f"Give it all {want} inputs: a list in this order, or a dict by these names; in a "
        "dataset ((a, b), y) or ({…}, y)."
        if want > 1
        else "Give it one array, or build it with as many inputs as there are arrays.",
    )


def _title(model: ModelFacts, index: int, want: Shape, got: Shape) -> str:
    which = ""
    if len(model.declared) > 1:
        name = model.input_names[index] if index < len(model.input_names) else str(index)
        which = f" at its input `{name}`"
    return (
        f"The model `{model.part.name}` was built for {shown(want)}{which} and is given "
        f"{shown(got)}."
    )


def _forgiven(want: Shape, got: Shape) -> bool:
    """What Keras itself puts right: a last axis of size 1 that is missing or too many.

    Only for inputs of a table: `(32,)` for `(None, 1)`, `(32, 20, 1)` for `(None, 20)`.
    """
    if len(got) == len(want) - 1:
        return want[-1] == 1 and fits(want[:-1], got)
    return len(got) == len(want) + 1 and got[-1] == 1 and fits(want, got[:-1])


def _sizes(shape: Shape) -> int | None:
    """The product of all axes but the first; None where one is free."""
    if any(size is None for size in shape[1:]):
        return None
    return math.prod(size for size in shape[1:] if size is not None)
