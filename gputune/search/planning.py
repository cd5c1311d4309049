"""What a study would do and how long it would take, before anything is run."""

from __future__ import annotations

from gputune.schema.profile import Profile
from gputune.schema.study import Budget, Plan
from gputune.search.confirmation import LEAST_ROUNDS
from gputune.search.space import Space

WINDOW_S = 0.2
WINDOW_STEPS = 20
WINDOWS = 5
LEAST_MEASURED_S = 1.0
"""A trial is measured over at least five windows and a second, each window 20 steps or 0.2 s,
whichever is longer."""
WARMUP_STEPS = 10
CONFIRMED_ARMS = 3
"""The baseline, the best of all, the best with the same batch size."""
TYPICAL_ROUNDS = 6
GUARD_RUNS = 8
"""Five seeds of the baseline, three of the candidate."""
UNKNOWN_START_S = 20.0
"""Ours, where the profile did not see the start: TensorFlow's import and a small model."""
REBUILD_S = 1.0
"""Ours: a pipeline that is built again in the same process, its buffers filled again."""

PROFILED_SHARE, SHORTEST_PROFILED_S, LONGEST_PROFILED_S = 0.05, 5.0, 20.0
"""Ours: the clean steps of the profile that a study begins with, of its whole time. The profile
takes about three times as long: start-up, blocks on a held batch, trace, the input alone."""


def longest_profile_s(total_s: float) -> float:
    """How long the first profile's clean phase may take, of a study of so many seconds."""
    return min(max(PROFILED_SHARE * total_s, SHORTEST_PROFILED_S), LONGEST_PROFILED_S)


SHORTEST_CONFIRMED_S = 2.0
"""Ours: a process of the confirmation measures at least so long, however little time there is."""


def longest_confirmed_s(profile: Profile, budget_s: float, arms: int) -> float:
    """How long each process of the confirmation may measure, so that its least rounds fit.

    More rounds tell more than longer ones: the variance lies between processes. At least
    `SHORTEST_CONFIRMED_S`.
    """
    start_s = profile.startup.total_s
    start_s = UNKNOWN_START_S if start_s is None else start_s
    each_s = budget_s / (LEAST_ROUNDS * arms)
    return max(each_s - start_s, SHORTEST_CONFIRMED_S)


def measured_s(step_s: float) -> float:
    """Seconds of one trial's measurement, its warm-up steps included."""
    window_s = max(WINDOW_S, WINDOW_STEPS * step_s)
    return max(WINDOWS * window_s, LEAST_MEASURED_S) + WARMUP_STEPS * step_s


def plan(profile: Profile, space: Space, budget: Budget) -> Plan:
    """The plan of a study: trials and seconds by what the profile showed; runs nothing.

    A trial that needs a new process costs the script's start-up and its measurement; one whose
    changed knobs all take effect at `pipeline` or `fit` only the measurement. As many trials are
    expected in either way as the space has knobs of either kind.
    """
    steps = profile.steps
    step_s = (steps.mean_s if steps is not None else None) or 0.1
    start_s = profile.startup.total_s
    start = UNKNOWN_START_S if start_s is None else start_s
    kinds = [d.takes_effect for d in space.dimensions]
    inside = [kind for kind in kinds if kind != "process"]
    trial_s = measured_s(step_s)
    share = len(inside) / len(kinds) if kinds else 0.0
    each_s = trial_s + share * REBUILD_S + (1 - share) * start
    points = space.size
    trials = min(budget.trials, points)
    search_s = min(trials * each_s, budget.search_s)
    trials = min(trials, max(1, int(search_s // each_s))) if each_s > 0 else trials
    process_s = start + trial_s
    confirmation_s = min(TYPICAL_ROUNDS * CONFIRMED_ARMS * process_s, budget.confirmation_s)
    guarded = any(d.changes in ("order", "rounding") for d in space.dimensions)
    guard_s = min(GUARD_RUNS * process_s, budget.guard_s) if guarded else 0.0
    known = "seen in the profile" if start_s is not None else "not seen: a guess"
    return Plan(
        trials=trials,
        configurations=points,
        in_process_trials_possible=bool(inside),
        baseline_s=process_s,
        search_s=search_s,
        confirmation_s=confirmation_s,
        guard_s=guard_s,
        total_s=process_s + search_s + confirmation_s + guard_s,
        basis=f"a start-up of {start:.3g} s ({known}), a step of {step_s * 1e3:.3g} ms, "
        f"{trial_s:.3g} s of measurement a trial; never more than the budget's "
        f"{budget.total_s / 60:.3g} minutes",
    )


def plan_lines(space: Space, made: Plan) -> tuple[str, ...]:
    """The plan in words, a line each: knobs, what is left out, trials, minutes."""
    lines = [
        f"{d.name}: {', '.join(map(_word, d.values))} (now {_word(d.values[d.baseline])})"
        for d in space.dimensions
    ]
    lines += [f"{name}: held at {_word(value)}" for name, value in space.fixed.items()]
    lines += [f"left out: {one.knob} ({one.why})" for one in space.left_out]
    lines.append(f"{made.trials} trials of {made.configurations} configurations")
    lines.append(
        f"about {made.total_s / 60:.3g} minutes: search {made.search_s / 60:.2g}, confirmation "
        f"{made.confirmation_s / 60:.2g}, guard {made.guard_s / 60:.2g}; from {made.basis}"
    )
    return tuple(lines)


def _word(value: object) -> str:
    return "as it is" if value is None else str(value)
