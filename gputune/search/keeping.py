"""Where the search writes its trials down: on disk (`storage.Store`), or in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gputune.schema.config import Value
from gputune.search.propose import Proposal
from gputune.search.space import Space
from gputune.search.trying import Outcome, Tried


class Keeper(Protocol):
    """What the search needs of a store."""

    def tried(self) -> tuple[Tried, ...]:
        """The finished trials in order, numbered from 0."""
        ...

    def begin(self, proposal: Proposal | None, knobs: Mapping[str, Value], began_s: float) -> int:
        """Write down that a trial begins (None: the script as it is); returns its ticket."""
        ...

    def finish(self, ticket: int, outcome: Outcome, value: float | None) -> None:
        """Write down a trial's outcome and its score."""
        ...

    def interrupt(self, ticket: int) -> None:
        """Write down that a trial was broken off."""
        ...


@dataclass
class InMemory:
    """A store that ends with the process: for replayed tables, and for tests."""

    space: Space
    _tried: list[Tried] = field(default_factory=list)
    _running: dict[int, tuple[Proposal | None, Mapping[str, Value], float]] = field(
        default_factory=dict
    )
    _tickets: int = 0

    def tried(self) -> tuple[Tried, ...]:
        """The finished trials in order, numbered from 0."""
        return tuple(self._tried)

    def begin(self, proposal: Proposal | None, knobs: Mapping[str, Value], began_s: float) -> int:
        """Remember that a trial begins; returns its ticket."""
        self._tickets += 1
        self._running[self._tickets] = (proposal, dict(knobs), began_s)
        return self._tickets

    def finish(self, ticket: int, outcome: Outcome, value: float | None) -> None:
        """Remember a trial's outcome."""
        proposal, knobs, began_s = self._running.pop(ticket)
        self._tried.append(
            Tried(
                number=len(self._tried),
                point=self.space.point(knobs) if proposal is None else proposal.point,
                knobs=knobs,
                outcome=outcome,
                source="baseline" if proposal is None else proposal.source,
                why="the script as it is" if proposal is None else proposal.why,
                began_s=began_s,
            )
        )

    def interrupt(self, ticket: int) -> None:
        """Forget a trial that was broken off."""
        self._running.pop(ticket)
