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
BASELINE_SEEDS, CANDIDATE_SEEDS = 5, 3
GUARD_RUNS = BASELINE_SEEDS + CANDIDATE_SEEDS
"""What it takes to look at the loss of one candidate."""
GUARD_RUNS_OF_TWO = GUARD_RUNS + CANDIDATE_SEEDS
"""The best of all and the best with the same batch, or whoever takes the place of one."""
LEAST_STEPS, MOST_STEPS = 50, 2000
"""Ours: a loss after fewer steps says nothing, and after 2000 a difference in rounding shows."""
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
    each_s = budget_s / (LEAST_ROUNDS * arms)
    return max(each_s - _start_s(profile), SHORTEST_CONFIRMED_S)


def training_s(profile: Profile, steps: int) -> float:
    """Seconds of a new process that trains so many steps."""
    return _start_s(profile) + steps * _step_s(profile)


def guard_steps(profile: Profile, budget_s: float) -> int:
    """How many steps each of the guard's trainings has, so that they fit into its share.

    For two candidates, or for one where those of two would be fewer than `LEAST_STEPS`.
    """
    found = 0
    for runs in (GUARD_RUNS_OF_TWO, GUARD_RUNS):
        found = int((budget_s / runs - _start_s(profile)) / _step_s(profile))
        if found >= LEAST_STEPS:
            break
    return max(min(found, MOST_STEPS), 0)


def _guard_s(profile: Profile, space: Space, budget_s: float) -> float:
    """Seconds of the guard: none where nothing changes rounding or order, or too few steps fit."""
    changes = {*(d.changes for d in space.dimensions), *space.fixed_changes.values()}
    steps = guard_steps(profile, budget_s)
    if not changes & {"order", "rounding"} or steps < LEAST_STEPS:
        return 0.0
    each_s = training_s(profile, steps)
    return min(GUARD_RUNS_OF_TWO * each_s, budget_s)


def _start_s(profile: Profile) -> float:
    known = profile.startup.total_s
    return UNKNOWN_START_S if known is None else known


def _step_s(profile: Profile) -> float:
    return (profile.steps.mean_s if profile.steps is not None else None) or 0.1


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
    step_s, start = _step_s(profile), _start_s(profile)
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
    guard_s = _guard_s(profile, space, budget.guard_s)
    known = "seen in the profile" if profile.startup.total_s is not None else "not seen: a guess"
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
