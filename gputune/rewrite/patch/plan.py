"""What is changed for each setting, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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


@dataclass(frozen=True)
class Claim:
    """A value for one place of the source, and what was said of it."""

    text: str
    told: tuple[Told, ...]
    why: str = ""
    """Why it gets none after all."""


@dataclass
class Plan:
    """All changes, by file, and what is said of them."""

    sources: Sources
    settings: tuple[Setting, ...] = ()
    """All that are asked for."""
    changes: dict[Source, Changes] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    claims: dict[object, Claim] = field(default_factory=dict)
    """By node, or by call and argument."""

    def of(self, source: Source) -> Changes:
        """The changes of one file."""
        return self.changes.setdefault(source, Changes())

    def say(self, setting: Setting, how: str, where: str, what: str) -> None:
        """Say what became of a setting."""
        self.told.append(Told(knob=setting.knob, how=how, where=where, what=what))

    def dispute(self, place: object, text: str) -> str:
        """Why a place cannot get this value: an earlier setting has another one for it.

        What was said of that one becomes a refusal: of two values none is sure.
        """
        claim = self.claims.get(place)
        if claim is None or claim.text == text:
            return ""
        why = claim.why or (
            f"one place is to have {claim.text} and {text}: which is meant is not recorded"
        )
        self.told = [
            replace(one, how=REFUSED, what=why) if one in claim.told else one
            for one in self.told if not (one in claim.told and one.how == NOTED)
        ]  # fmt: skip
        self.claims[place] = Claim("", (), why)
        return why

    def claim(self, place: object, text: str, told: int) -> None:
        """Note which value a place gets; `told` is how much had been said before."""
        self.claims.setdefault(place, Claim(text, tuple(self.told[told:])))


class Refused(Exception):
    """Why a setting is not put in at a place: `where` it is, or nothing."""

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(why)
        self.where = where
