"""What is tuned: the script, its profile, and how long a trial of it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gputune.launch.command import Target
from gputune.schema.profile import Profile
from gputune.search.planning import measured_s

LEAST_TIMEOUT_S = 120.0
TIMES_THE_BASELINE = 4.0
"""Ours: a trial that takes four times as long as the whole profile did hangs."""
LEAST_MAX_S, MOST_MAX_S = 3.0, 20.0
TIMES_THE_PLAN = 3.0
"""A trial that is not steady after three times the seconds that were planned is ended as it is."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What is tuned, and what its profile said of it."""

    target: Target
    source: Path | None
    profile: Profile

    @property
    def fit(self) -> int | None:
        """Which of the script's trainings the profile measured: the trials measure the same."""
        return next((fit.index for fit in self.profile.fits if fit.analysed), None)

    @property
    def batch_size(self) -> int | None:
        """The batch that the profile saw; None where the script declares what may be its size."""
        steps = self.profile.steps
        size = steps.batch_size if steps is not None else None
        return None if any(one.value == size for one in self.profile.declared) else size

    @property
    def max_s(self) -> float:
        """Seconds of the longest clean phase of a trial."""
        steps = self.profile.steps
        planned = measured_s((steps.mean_s if steps is not None else None) or 0.1)
        return min(max(TIMES_THE_PLAN * planned, LEAST_MAX_S), MOST_MAX_S)

    @property
    def timeout_s(self) -> float:
        """Seconds after which a trial's process is taken to hang."""
        return max(LEAST_TIMEOUT_S, TIMES_THE_BASELINE * self.profile.command.duration_s)
