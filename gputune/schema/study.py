"""The Study: what a search over a script's settings tried, what it found, and how sure that is.

A quantity that was not measured is None, and the field beside it says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal

from gputune.schema.config import Value
from gputune.schema.notebook import Shown

if TYPE_CHECKING:
    import pandas as pd

Knobs = Mapping[str, Value]
"""Name -> value; a knob of one line is named `num_parallel_calls@train.py:35`."""

TrialState = Literal["complete", "pruned", "infeasible", "failed"]
"""`pruned` was ended early, since it clearly could not win; `infeasible` broke a constraint (out
of memory); `failed` crashed, hung, or trained to NaN."""
Verdict = Literal["faster", "slower", "same", "inconclusive"]
"""`faster` and `slower` also mean better and worse by another objective than throughput."""
Objective = Literal["throughput", "energy", "memory"]


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One set of settings and its throughput.

    `confirmed` says where `samples_per_s` comes from: from the confirmation's fresh processes, or
    (False) from the search, whose best figure reads too high.
    """

    knobs: Knobs
    samples_per_s: float | None = None
    confirmed: bool = False


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A candidate beside the baseline, in fresh processes that take turns.

    `ratio` is how many times better the candidate is (above 1 is a gain), `ci95` its 95 % interval
    (t on the rounds' log ratios), `p_value` that of the exact Mann-Whitney test beside it. What is
    compared is the study's `objective`: samples/s, samples a joule, or peak memory, the baseline's
    over the candidate's.
    """

    candidate: str
    """`best`, `best_same_batch`, or `next N` for one that took the place of a refused one."""
    knobs: Knobs
    ratio: float | None
    ci95: tuple[float, float] | None
    verdict: Verdict
    rounds: int
    reason: str
    p_value: float | None = None
    smallest_detectable_ratio: float | None = None
    """The gain that so many rounds would have shown with 80 % power: 1.05 is 5 %."""
    worth_having: bool = False
    """Whether the interval lies above 1 and the ratio is a gain of 2 % or more."""
    candidate_samples_per_s: float | None = None
    baseline_samples_per_s: float | None = None
    objective: Objective = "throughput"

    def in_figures(self) -> tuple[float | None, float, float, str]:
        """(ratio, low, high, of what): of energy and memory as they are said, as less than 1."""
        low, high = self.ci95 or (1.0, 1.0)
        if self.objective == "throughput" or self.ratio is None:
            return self.ratio, low, high, "the throughput"
        of_what = {"energy": "the energy a sample", "memory": "the peak memory"}[self.objective]
        return 1 / self.ratio, 1 / high, 1 / low, of_what


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One measurement of one configuration.

    `shortfall_bytes` is the memory that was missing, where it ran out of memory and the allocator
    said so. `began_s` counts from the start of the study, over all its sessions.
    """

    number: int
    knobs: Knobs
    state: TrialState
    reason: str = ""
    samples_per_s: float | None = None
    noise_fraction: float | None = None
    """The standard error of `samples_per_s`, as a share of it."""
    duration_s: float = 0.0
    measured_s: float | None = None
    """Seconds under measurement, from the first clean step to the last; None without any."""
    began_s: float = 0.0
    in_process: bool = False
    exit_code: int | None = None
    stderr_tail: str = ""
    shortfall_bytes: float | None = None
    peak_memory_bytes: float | None = None
    energy_j_per_sample: float | None = None
    read_bytes: float | None = None
    """What the trial read from storage; a warm page cache shows as a small figure."""
    source: str = ""
    """Who proposed it: `baseline`, `expert`, `neighbour`, `sampler`, `rest`."""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class KnobEffect:
    """The trials with one value of a knob: how many were measured, and their median samples/s."""

    value: Value
    trials: int
    median_samples_per_s: float | None


@dataclass(frozen=True, kw_only=True)
class KnobSearched:
    """A knob of the study.

    `importance_fraction` is its share of what told good trials from bad ones (PED-ANOVA), None
    where there were too few trials to say, or none with another value.
    """

    knob: str
    values: tuple[Value, ...]
    baseline: Value
    takes_effect: str = ""
    changes: str = ""
    importance_fraction: float | None = None
    effect: tuple[KnobEffect, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KnobLeftOut:
    """A knob that was not searched, and why."""

    knob: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """What the guard looked at. `passed` is None where it could not be looked at."""

    candidate: str
    check: str
    """`head-room` or `loss`."""
    passed: bool | None
    evidence: str

    @property
    def outcome(self) -> str:
        """`passed`, `failed` or `not known`."""
        return {True: "passed", False: "failed", None: "not known"}[self.passed]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the study may spend: trials, and seconds for everything, confirmation and guard too."""

    trials: int
    total_s: float
    search_s: float
    confirmation_s: float
    guard_s: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study would do, before it does it. Nothing of it was run."""

    trials: int
    configurations: int
    """How many the space has."""
    in_process_trials_possible: bool
    baseline_s: float
    search_s: float
    confirmation_s: float
    guard_s: float
    total_s: float
    basis: str
    """Where the seconds come from."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a study belongs to; a study is gone on with only where all of it is the same."""

    script_sha256: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    space_sha256: str
    objective: str = "throughput"
    fit: int | None = None
    """Which of the script's trainings, where the user named one."""


@dataclass(frozen=True, kw_only=True)
class Payoff:
    """What the gain is worth: None with a reason where the run's length is not known."""

    hours_saved_per_run: float | None
    break_even_runs: float | None
    """After how many runs of the script the tuning has paid for itself."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Study(Shown):
    """A search and its answer. Written as JSON with `schema` and `version`."""

    SCHEMA: ClassVar[str] = "gputune.study"
    VERSION: ClassVar[int] = 1

    script: str
    verdict: str
    """One sentence: the confirmed gain, or «no gain worth having»."""
    baseline: Configuration
    best: Configuration | None = None
    """What is recommended: the largest confirmed gain that passes the guard."""
    best_same_batch: Configuration | None = None
    """The same with the script's own batch size; it may be the same configuration."""
    confirmation: tuple[Confirmation, ...] = ()
    checks: tuple[Check, ...] = ()
    trials: tuple[Trial, ...] = ()
    knobs_searched: tuple[KnobSearched, ...] = ()
    knobs_left_out: tuple[KnobLeftOut, ...] = ()
    fixed: Knobs
    objective: str = "throughput"
    seed: int = 0
    budget: Budget | None = None
    plan: Plan | None = None
    identity: Identity
    payoff: Payoff
    stopped: str = ""
    """Why the search ended."""
    importance_note: str = ""
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas with one row a trial: the trial's fields, and a column a knob.

        The columns of the knobs are named `knob.<name>`.
        """
        import pandas as pd  # here: what only reads the record must not wait for it

        plain = [field.name for field in fields(Trial) if field.name != "knobs"]
        names = list(dict.fromkeys(name for trial in self.trials for name in trial.knobs))
        columns = plain + [f"knob.{name}" for name in names]
        rows = [
            [getattr(trial, name) for name in plain] + [trial.knobs.get(name) for name in names]
            for trial in self.trials
        ]
        return pd.DataFrame(rows, columns=pd.Index(columns), dtype=object).infer_objects()
