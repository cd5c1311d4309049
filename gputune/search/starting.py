"""A space that begins with what the user's configuration says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gputune.schema.config import Setting, Value
from gputune.search.space import Dimension, Space, index_of


def begin_with(space: Space, settings: Sequence[Setting]) -> tuple[Space, tuple[str, ...]]:
    """The space with the settings' values as those to try first, and what cannot be tried.

    A number that lies between the values of its knob, or beyond them, becomes one of them.
    """
    dimensions = list(space.dimensions)
    notes = []
    for setting in settings:
        places = [n for n, one in enumerate(dimensions) if _is_meant(one, setting)]
        if not places:
            why = next((o.why for o in space.left_out if o.knob == setting.knob), "")
            why = why or (
                "it is held" if setting.knob in space.fixed else "no such place is searched"
            )
            notes.append(f"{setting.knob} of the configuration is not tried: {why}")
        for place in places:
            found = _first(dimensions[place], setting.value)
            if found is None:
                words = ", ".join(map(str, dimensions[place].values))
                notes.append(
                    f"{setting.knob} = {setting.value} of the configuration is not tried: here it "
                    f"takes {words}"
                )
            else:
                dimensions[place] = found
    return replace(space, dimensions=tuple(dimensions)), tuple(notes)


def _is_meant(dimension: Dimension, setting: Setting) -> bool:
    place = dimension.place.site if dimension.place is not None else None
    return setting.knob == dimension.knob and setting.site in (None, place)


def _first(dimension: Dimension, value: Value) -> Dimension | None:
    """The dimension that begins with the value; None where it cannot have it."""
    index = index_of(dimension.values, value)
    if index is not None:
        return replace(dimension, first=index)
    if not dimension.ordered or isinstance(value, bool) or not isinstance(value, int):
        return None
    if value < 1:
        return None
    below = [n for n, other in enumerate(dimension.values) if _is_below(other, value)]
    index = below[-1] + 1 if below else 0
    values = (*dimension.values[:index], value, *dimension.values[index:])
    baseline = dimension.baseline + (dimension.baseline >= index)
    return replace(dimension, values=values, first=index, baseline=baseline)


def _is_below(other: Value, value: int) -> bool:
    """Words (`none`, `AUTOTUNE`) keep their place: none comes first, and the others last."""
    if isinstance(other, int) and not isinstance(other, bool):
        return other < value
    return other in (None, "none")
