"""What a trial is asked, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gputune.schema.config import Value
from gputune.schema.study import Objective as Objective
from gputune.schema.study import TrialState
from gputune.search.space import Point

Source = Literal["baseline", "expert", "sampler", "rest"]
SLOWEST = 0.98
"""For the objective `memory`: a configuration may be 2 % slower than the baseline, no more."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one trial showed; `noise_fraction` is the relative standard error of `samples_per_s`.

    A `complete` trial has a finite, positive `samples_per_s`; an `infeasible` one may say by how
    many bytes it fell short, a `pruned` one at how many samples/s it was ended; every state but
    `complete` has a reason. `measured_s` are the seconds under measurement, from the first clean
    step to the last: the rest of `duration_s` was spent on getting there and away.
    """

    state: TrialState
    reason: str = ""
    samples_per_s: float | None = None
    noise_fraction: float | None = None
    duration_s: float = 0.0
    measured_s: float | None = None
    in_process: bool = False
    exit_code: int | None = None
    stderr_tail: str = ""
    shortfall_bytes: float | None = None
    peak_memory_bytes: float | None = None
    energy_j_per_sample: float | None = None
    read_bytes: float | None = None
    pruned_at: float | None = None
    noted: Sequence[str] = ()
    """What the user should know of settings that were in force."""

    def __post_init__(self) -> None:
        # A journal has lists; one that was read again is the same outcome.
        object.__setattr__(self, "noted", tuple(self.noted))


class Measure(Protocol):
    """Whoever can measure a configuration: in this process, in a new one, or from a table."""

    def measure(self, knobs: Mapping[str, Value], incumbent: float | None) -> Outcome:
        """Run the script with these knobs and say what came of it.

        `incumbent` is the best samples/s so far of those that it is to beat, None before there is
        one: a trial that clearly stays below it may end early, as `pruned` (see `inject.early`).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A trial of the study. `point` is None for a baseline that lies outside of the space."""

    number: int
    point: Point | None
    knobs: Mapping[str, Value]
    outcome: Outcome
    source: Source = "sampler"
    why: str = ""
    began_s: float = 0.0


def sound(outcome: Outcome) -> Outcome:
    """The outcome, or a failed one where its figure is none: NaN, 0, missing."""
    if outcome.state != "complete":
        return outcome
    rate = outcome.samples_per_s
    if rate is not None and math.isfinite(rate) and rate > 0:
        return outcome
    return Outcome(
        state="failed",
        reason=f"the trial ended without a usable figure ({rate} samples/s)",
        duration_s=outcome.duration_s,
        in_process=outcome.in_process,
        exit_code=outcome.exit_code,
        stderr_tail=outcome.stderr_tail,
    )


def merit(outcome: Outcome, objective: Objective) -> float | None:
    """What of an outcome a ratio is taken of, larger being better; None where it is not known.

    Samples/s, samples a joule, or one over the peak bytes.
    """
    if outcome.state != "complete":
        return None
    if objective == "throughput":
        return outcome.samples_per_s
    used = (
        outcome.energy_j_per_sample if objective == "energy" else outcome.peak_memory_bytes
    )  # fmt: skip
    return 1 / used if used else None


def score(outcome: Outcome, objective: Objective, baseline: Outcome | None) -> float | None:
    """How good an outcome is, larger being better; None where it is none to choose from.

    `throughput` is samples/s, `energy` the negative joules per sample, `memory` the negative peak
    bytes of a configuration that is at most 2 % slower than the baseline.
    """
    if outcome.state != "complete" or outcome.samples_per_s is None:
        return None
    if objective == "throughput":
        return outcome.samples_per_s
    if objective == "energy":
        joules = outcome.energy_j_per_sample
        return None if joules is None else -joules
    slowest = SLOWEST * (baseline.samples_per_s or 0.0) if baseline is not None else 0.0
    if outcome.peak_memory_bytes is None or outcome.samples_per_s < slowest:
        return None
    return -outcome.peak_memory_bytes
