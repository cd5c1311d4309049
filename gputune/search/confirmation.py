"""The confirmation: candidates and baseline in fresh processes that take turns, until it is sure.

The process is the sample, not the step: repeat at the level where the variance arises (Kalibera
and Jones 2013, «Rigorous benchmarking in reasonable time»). A search's own figure is never the
gain: the best of many reads too high.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev
from typing import Protocol

from scipy import stats

from gputune.analysis.statistics import t_quantile
from gputune.schema.config import Value
from gputune.schema.study import Confirmation, Objective, Verdict
from gputune.search.trying import SLOWEST, Outcome, merit

WORTH_HAVING = 0.02
"""A gain below 2 % is none: that is what two runs on a quiet machine differ by."""
LEAST_ROUNDS = 5
"""Ours: with fewer the deviation itself is hardly known, and nobody asks whether they decide."""
LEAST_TO_SAY = 4
"""Where the time ends before that, four may still decide: the exact test of 4 against 4 reaches
2.9 %, of 3 against 3 only 10 %, whatever the figures."""
FEWEST_TO_SAY, LEVEL_OF_FEW = 3, 0.999
"""Ours: three say what is beyond doubt, a gain (or loss) whose 99.9 % interval keeps clear of ±2 %.
Student's factor is 32 then: 3 rounds that differ by 5 % among themselves show 2.5 times and more,
not 1.4 times. Two say nothing: any deviation of two may be chance."""
LOOKS = (LEAST_ROUNDS, 8, 12, 18, 26, 40)
"""After so many rounds it is asked whether they decide. The more often one asks, the more often
chance decides."""
MOST_ROUNDS = LOOKS[-1]
FAILURES_OF_CHANCE = 1
"""Ours: so many failed runs of the script as it is say nothing of the candidates."""
LEVEL = 0.975
"""The interval's level as if the number of rounds had been fixed. Since rounds are added until it
decides, that covers the truth in at least 95 of 100 studies: 95.4 % in the worst of 16 simulated
cases, where a level of 0.95 would cover 92.8 % (gains of 0 to 8 %, deviations of 1 to 6 %; of the
same kind as in `tests/unit/search/`)."""
POWER = 0.8
_MARGIN = math.log1p(WORTH_HAVING)
BASELINE = "baseline"
_NO_TIME = "there was time for no more rounds"
_BASELINE_FAILED = "the script as it is failed"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What takes turns: `baseline`, or a candidate's name, and its knobs."""

    name: str
    knobs: Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One fresh process of one arm; `samples_per_s` is None where it failed, for `reason`.

    `merit` is what another objective compares, larger being better; None for throughput.
    """

    round: int
    arm: str
    samples_per_s: float | None
    duration_s: float
    reason: str = ""
    merit: float | None = None

    @property
    def compared(self) -> float | None:
        """The figure that the ratio is taken of."""
        return self.samples_per_s if self.merit is None else self.merit


class Fresh(Protocol):
    """Whoever can run a configuration in a fresh process."""

    def fresh(self, knobs: Mapping[str, Value]) -> Outcome:
        """Run the script with these knobs in a new process, measured as any other."""
        ...


def order(arms: Sequence[str], number: int) -> tuple[str, ...]:
    """The arms of a round: A B C, then C B A, so that a drift is the same for each."""
    return tuple(arms) if number % 2 == 0 else tuple(reversed(arms))


def next_run(arms: Sequence[str], runs: Sequence[Run]) -> tuple[int, str] | None:
    """The round and the arm that run next; None where the rounds have decided.

    A candidate that failed once, or about which is decided, runs no more; the baseline, which has
    run before, may fail once by chance, and runs as long as any other does.
    """
    if _failures(runs, BASELINE) > FAILURES_OF_CHANCE:
        return None
    candidates = [a for a in arms if a != BASELINE]
    rounds = max((r.round for r in runs), default=-1) + 1
    done = {(r.round, r.arm) for r in runs}
    for number in (max(rounds - 1, 0), rounds):
        complete = [r for r in runs if r.round < number]
        open_arms = {a for a in candidates if _open(complete, a) and not _failures(runs, a)}
        if number >= MOST_ROUNDS or not open_arms:
            continue
        for arm in order([BASELINE, *(a for a in candidates if a in open_arms)], number):
            if (number, arm) not in done:
                return number, arm
    return None


def _open(complete: Sequence[Run], arm: str) -> bool:
    """Whether the whole rounds do not decide about a candidate yet."""
    candidate, baseline = pairs(complete, arm)
    looks = [n for n in LOOKS if n <= len(candidate)]
    return not any(decided(candidate[:n], baseline[:n]) for n in looks)


def _failures(runs: Sequence[Run], arm: str) -> int:
    return sum(r.arm == arm and r.samples_per_s is None for r in runs)


def pairs(
    runs: Sequence[Run], arm: str, of: Callable[[Run], float | None] = lambda run: run.compared
) -> tuple[list[float], list[float]]:
    """What is compared, of a candidate and of the baseline, in the rounds that have both."""
    own = {r.round: of(r) for r in runs if r.arm == arm}
    base = {r.round: of(r) for r in runs if r.arm == BASELINE}
    found = [(own[n], base[n]) for n in sorted(own.keys() & base.keys())]
    both = [(a, b) for a, b in found if a is not None and b is not None]
    return [a for a, _ in both], [b for _, b in both]


def decided(candidate: Sequence[float], baseline: Sequence[float]) -> bool:
    """Whether no further round is needed: the ratio is surely outside of ±2 %, or within."""
    low, high = interval(logs(candidate, baseline))
    return _is_outside(low, high) or (low >= -_MARGIN and high <= _MARGIN)


def can_say(values: Sequence[float]) -> bool:
    """Whether these log ratios are enough for an answer, where the time ends with them."""
    if len(values) < FEWEST_TO_SAY:
        return False
    return len(values) >= LEAST_TO_SAY or _is_outside(*interval(values, LEVEL_OF_FEW))


def _is_outside(low: float, high: float) -> bool:
    return low > _MARGIN or high < -_MARGIN


def logs(candidate: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """The rounds' log ratios."""
    return [math.log(a / b) for a, b in zip(candidate, baseline, strict=True)]


def interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """Student's interval of the mean of at least two values; at LEVEL it covers 95 %."""
    n = len(values)
    half = t_quantile(0.5 + level / 2, n - 1) * stdev(values) / math.sqrt(n)
    return fmean(values) - half, fmean(values) + half


@cache
def detectable_deviations(rounds: int) -> float:
    """The smallest mean difference that so many rounds show with 80 % power, at a two-sided 5 %.

    In deviations of the paired differences (non-central t): 1.7 for 5 rounds, 1.0 for 10.
    """
    limit, degrees = t_quantile(0.975, rounds - 1), rounds - 1
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        power = float(stats.nct.sf(limit, degrees, middle * math.sqrt(rounds)))
        # Far out SciPy's distribution is no number any more: all of it is then beyond the limit.
        if math.isnan(power) or power >= POWER:
            high = middle
        else:
            low = middle
    return high


def judge(arm: Arm, runs: Sequence[Run], objective: Objective = "throughput") -> Confirmation:
    """What the rounds say about one candidate, whyever they ended."""
    failed = next((r for r in runs if r.arm == arm.name and r.samples_per_s is None), None)
    base_failed = [r for r in runs if r.arm == BASELINE and r.samples_per_s is None]
    candidate, baseline = pairs(runs, arm.name)
    if base_failed and (failed is not None or len(base_failed) > FAILURES_OF_CHANCE):
        why = f"{_BASELINE_FAILED}: {base_failed[-1].reason}"
        return _open_answer(arm, candidate, why, objective)
    if failed is not None:
        why = f"the run of round {failed.round + 1} failed: {failed.reason}"
        return _open_answer(arm, candidate, why, objective)
    if len(candidate) < 2:
        return _open_answer(arm, candidate, _NO_TIME, objective)
    values = logs(candidate, baseline)
    n, mean, deviation = len(values), fmean(values), stdev(values)
    low, high = interval(values)
    smallest = math.exp(detectable_deviations(n) * deviation)
    ratio, ci95 = math.exp(mean), (math.exp(low), math.exp(high))
    verdict, reason = _verdict(values, ci95, smallest)
    rates, own_rates = pairs(runs, arm.name, lambda run: run.samples_per_s)
    if objective == "memory" and verdict == "faster" and _is_slow(rates, own_rates):
        verdict, reason = "slower", "it is slower than the script as it is by more than 2 %"
    return Confirmation(
        candidate=arm.name,
        knobs=arm.knobs,
        ratio=ratio,
        ci95=ci95,
        verdict=verdict,
        rounds=n,
        reason=reason,
        p_value=exact_p(candidate, baseline),
        smallest_detectable_ratio=smallest,
        worth_having=verdict == "faster" and ratio >= 1 + WORTH_HAVING,
        candidate_samples_per_s=math.exp(fmean(map(math.log, rates))),
        baseline_samples_per_s=math.exp(fmean(map(math.log, own_rates))),
        objective=objective,
    )


def _is_slow(rates: Sequence[float], own_rates: Sequence[float]) -> bool:
    """Whether a candidate that needs less memory surely pays for it with 2 % of the speed."""
    return interval(logs(rates, own_rates))[1] < math.log(SLOWEST)


def is_open(found: Confirmation) -> bool:
    """Whether there were not rounds enough to judge the candidate, which may not be its fault."""
    if baseline_failed(found):
        return True
    compared = found.ratio is not None or found.reason == _NO_TIME
    return compared and found.verdict == "inconclusive" and found.rounds < LEAST_TO_SAY


def baseline_failed(found: Confirmation) -> bool:
    """Whether there is no answer because the script as it is did not run to its end."""
    return found.ratio is None and found.reason.startswith(_BASELINE_FAILED)


def exact_p(candidate: Sequence[float], baseline: Sequence[float]) -> float:
    """The exact Mann-Whitney test, two-sided; of ties the normal approximation."""
    tied = len({*candidate, *baseline}) < len(candidate) + len(baseline)
    first, second = list(candidate), list(baseline)
    if tied:
        return float(stats.mannwhitneyu(first, second, method="asymptotic").pvalue)
    return float(stats.mannwhitneyu(first, second, method="exact").pvalue)


def _verdict(
    values: Sequence[float], ci95: tuple[float, float], smallest: float
) -> tuple[Verdict, str]:
    low, high = ci95
    within = f"95 % interval {low:.3f} to {high:.3f}"
    if not can_say(values):
        return "inconclusive", f"{len(values)} rounds are too few to say ({within})"
    if low > 1 - WORTH_HAVING and high < 1 + WORTH_HAVING:
        return "same", f"no gain worth having: the {within} lies within 2 % of 1"
    if low > 1:
        small = fmean(values) < _MARGIN
        return "faster", f"{'below 2 %: no gain worth having; ' if small else ''}{within}"
    if high < 1:
        return "slower", within
    return "inconclusive", (
        f"no gain was shown: the {within} contains 1; so many rounds would have shown a gain of "
        f"{smallest - 1:.0%} with 80 % power"
    )


def _open_answer(
    arm: Arm, candidate: Sequence[float], reason: str, objective: Objective
) -> Confirmation:
    return Confirmation(
        candidate=arm.name, knobs=arm.knobs, ratio=None, ci95=None, verdict="inconclusive",
        rounds=len(candidate), reason=reason, objective=objective,
    )  # fmt: skip


def confirm(
    arms: Sequence[Arm],
    fresh: Fresh,
    *,
    budget_s: float,
    objective: Objective = "throughput",
    runs: Sequence[Run] = (),
    on_run: Callable[[Run], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Run, ...]:
    """Run the rounds until they decide, or until the next run would not end within the budget.

    `arms` has the baseline first. `runs` are those of an earlier session of the same study, whose
    seconds count. A run that is begun is finished; `on_run` is called with each as it ends.
    """
    done = list(runs)
    by_name = {arm.name: arm for arm in arms}
    while not should_stop():
        following = next_run(list(by_name), done)
        if following is None:
            break
        number, name = following
        spent_s = sum(r.duration_s for r in done)
        durations = [r.duration_s for r in done if r.arm == name] or [r.duration_s for r in done]
        if done and spent_s + fmean(durations) > budget_s:
            break
        outcome = fresh.fresh(by_name[name].knobs)
        value = merit(outcome, objective)
        run = Run(
            round=number,
            arm=name,
            samples_per_s=outcome.samples_per_s if value is not None else None,
            duration_s=outcome.duration_s,
            reason=outcome.reason or ("" if value is not None else f"no {objective} was measured"),
            merit=None if objective == "throughput" else value,
        )
        done.append(run)
        on_run(run)
    return tuple(done)
