"""A configuration of the search as settings, which the interpreters of the edits understand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gputune.knobs.knob import Place, Table
from gputune.schema.config import Config, Setting, Value
from gputune.search.space import Space


def settings(
    space: Space, knobs: Mapping[str, Value], note: str = ""
) -> tuple[tuple[Table, Setting], ...]:
    """The settings that make the script's own configuration into this one, each with its table.

    Only what differs from the script as it is. A value of None is the script's own, and never
    among them.
    """
    places = _places(space)
    tables: dict[str, Table] = {d.name: d.table for d in space.dimensions}
    own = space.baseline_knobs
    found: list[tuple[Table, Setting]] = []
    for name, value in space.changed(knobs).items():
        place = places.get(name)
        setting = Setting(
            knob=name.partition("@")[0],
            value=value,
            was=own.get(name),
            site=place.site if place is not None else None,
            stage=place.stage if place is not None else "",
            note=note,
        )
        found.append((tables.get(name, space.fixed_tables.get(name, "policy")), setting))
    return tuple(found)


def config(
    space: Space, script: str, knobs: Mapping[str, Value], *, note: str = "",
    evidence: Sequence[str] = (), measured: bool = True,
) -> Config:  # fmt: skip
    """The Config of a configuration, as `gputune.toml` holds it."""
    found = settings(space, knobs, note)
    return Config(
        script=script,
        measured=measured,
        tf_data=tuple(s for table, s in found if table == "tf_data"),
        policy=tuple(s for table, s in found if table == "policy"),
        knobs=tuple(s for table, s in found if table == "knobs"),
        evidence=tuple(evidence),
    )


def _places(space: Space) -> dict[str, Place]:
    own = {d.name: d.place for d in space.dimensions if d.place is not None}
    return {**space.fixed_places, **own}
