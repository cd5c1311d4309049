"""What is changed for each setting, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gputune.rewrite.patch.changes import Changes
from gputune.rewrite.patch.source import Source
from gputune.rewrite.patch.sources import Sources
from gputune.schema.config import Setting

MADE, ALREADY, REFUSED, NOTED = "made", "already", "refused", "noted"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of a setting at one place: `how` is made, already, refused, or noted."""

    knob: str
    how: str
    where: str
    what: str


@dataclass
class Plan:
    """All changes, by file, and what is said of them."""

    sources: Sources
    settings: tuple[Setting, ...] = ()
    """All that are asked for."""
    changes: dict[Source, Changes] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)

    def of(self, source: Source) -> Changes:
        """The changes of one file."""
        return self.changes.setdefault(source, Changes())

    def say(self, setting: Setting, how: str, where: str, what: str) -> None:
        """Say what became of a setting."""
        self.told.append(Told(knob=setting.knob, how=how, where=where, what=what))


class Refused(Exception):
    """Why a setting is not put in at a place: `where` it is, or nothing."""

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(why)
        self.where = where
