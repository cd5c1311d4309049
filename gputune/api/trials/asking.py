"""What the user asks of a study, and who listens to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gputune.schema.config import Config, Value
from gputune.schema.study import Budget, Trial
from gputune.search.choosing import Choice
from gputune.search.guard import HEAD_ROOM_FRACTION
from gputune.search.stopping import budget as budget_of
from gputune.search.trying import Objective


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """What the user says about a study; see `gputune tune --help`."""

    choice: Choice = field(default_factory=Choice)
    trials: int | None = None
    budget_s: float | None = None
    objective: Objective = "throughput"
    seed: int = 0
    fresh: bool = False
    head_room_fraction: float = HEAD_ROOM_FRACTION
    fit: int | None = None
    start: Config | None = None
    """A configuration that is tried before anything else."""

    @property
    def budget(self) -> Budget:
        """The budget; raises ValueError where it allows nothing."""
        return budget_of(trials=self.trials, total_s=self.budget_s)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Who listens to a study. All are called in the thread that called `tune`.

    `on_space` is told the budget, the script's own knobs and the seconds that are spent already;
    `on_kept` each trial that an earlier session made; `on_begin` a trial's number, its knobs and
    why it is made.
    """

    on_note: Callable[[str], None] = lambda _: None
    on_space: Callable[[Budget, Mapping[str, Value], float], None] = lambda *_: None
    on_kept: Callable[[Trial], None] = lambda _: None
    on_begin: Callable[[int, Mapping[str, Value], str], None] = lambda *_: None
    on_trial: Callable[[Trial], None] = lambda _: None
    should_stop: Callable[[], bool] = lambda: False
