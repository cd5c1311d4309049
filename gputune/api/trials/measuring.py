"""The search's, the confirmation's and the guard's view of a script: knobs in, an Outcome out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gputune.api.trials.process import observe, trial_options
from gputune.launch.command import Target
from gputune.schema.config import Setting, Value
from gputune.schema.profile import Profile
from gputune.search.configuring import settings
from gputune.search.outcomes import RunSeen, outcome_of
from gputune.search.planning import measured_s
from gputune.search.space import Space
from gputune.search.trying import Outcome
from gputune.session.folder import Options

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
    def max_s(self) -> float:
        """Seconds of the longest clean phase of a trial."""
        steps = self.profile.steps
        planned = measured_s((steps.mean_s if steps is not None else None) or 0.1)
        return min(max(TIMES_THE_PLAN * planned, LEAST_MAX_S), MOST_MAX_S)

    @property
    def timeout_s(self) -> float:
        """Seconds after which a trial's process is taken to hang."""
        return max(LEAST_TIMEOUT_S, TIMES_THE_BASELINE * self.profile.command.duration_s)


class Trials:
    """Measures configurations of one space: a `search.trying.Measure`, a `confirmation.Fresh`."""

    def __init__(self, script: Script, space: Space) -> None:
        self._script = script
        self._space = space

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs."""

    def measure(self, knobs: Mapping[str, Value], incumbent: float | None) -> Outcome:
        """One trial of the search."""
        return self.fresh(knobs)

    def fresh(self, knobs: Mapping[str, Value]) -> Outcome:
        """One trial in a process of its own."""
        return outcome_of(self._run(trial_options(
            self._settings(knobs), fit=self._script.fit, max_s=self._script.max_s
        )))  # fmt: skip

    def loss(self, knobs: Mapping[str, Value], *, steps: int, seed: int) -> tuple[float, Outcome]:
        """The loss after so many steps with other seeds; NaN where the run gave none."""
        seen = self._run(Options(
            trial=True, fit=self._script.fit, settings=self._settings(knobs),
            loss_after_steps=steps, seed_offset=seed,
        ))  # fmt: skip
        return (float("nan") if seen.loss is None else seen.loss), outcome_of(seen)

    def _settings(self, knobs: Mapping[str, Value]) -> tuple[Setting, ...]:
        return tuple(setting for _, setting in settings(self._space, knobs))

    def _run(self, options: Options) -> RunSeen:
        """A run of the script; one that could not be started is a failed one."""
        script = self._script
        try:
            return observe(script.target, script.source, options, timeout_s=script.timeout_s).seen()
        except OSError as error:
            return RunSeen(
                profile=None, exit_code=127, error_text=f"OSError: {error.strerror or error}"
            )


def without(knobs: Mapping[str, Value], names: Sequence[str], own: Mapping[str, Value]) -> dict[
    str, Value
]:  # fmt: skip
    """The knobs with the script's own values for some of them."""
    return {name: own.get(name) if name in names else value for name, value in knobs.items()}
