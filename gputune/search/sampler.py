"""Points as Optuna sees them: distributions, trials, and what its TPE would try next."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from gputune.search.heuristics import Seen, best_of, surely_out_of_memory
from gputune.search.space import Point, Space
from gputune.search.trying import Objective, Outcome, Tried, score

MEMORY: Final = "memory"
"""The constraint of every trial: bytes (or 1, where it is not known how many) that were missing."""
ATTEMPTS: Final = 12
"""How often TPE is asked again where it proposes what is known, before a neighbour is taken."""
# `Trial.set_constraint` writes this; a trial that is built from its parts has to, too.
_CONSTRAINT: Final = "constraints:{}"


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Ordered dimensions as integers, so that the sampler sees the order; others as categories."""
    return {
        d.name: IntDistribution(0, len(d.values) - 1)
        if d.ordered
        else CategoricalDistribution(tuple(range(len(d.values))))
        for d in space.dimensions
    }


def params(space: Space, point: Point) -> dict[str, int]:
    """The parameters of a point."""
    return {d.name: i for d, i in zip(space.dimensions, point, strict=True)}


def constraints(space: Space, point: Point | None, outcome: Outcome) -> dict[str, float]:
    """Every constraint, for every trial; feasible where none is above 0."""
    found = {} if point is None else space.shortfalls(point)
    missing = outcome.shortfall_bytes or 1.0
    found[MEMORY] = max(missing, 1.0) if outcome.state == "infeasible" else 0.0
    return found


def state_of(outcome: Outcome, value: float | None) -> TrialState:
    """Optuna's state: TPE reads COMPLETE and PRUNED, ranks the infeasible last, ignores FAIL."""
    if outcome.state == "complete" and value is not None:
        return TrialState.COMPLETE
    return TrialState.FAIL if outcome.state == "failed" else TrialState.PRUNED


def frozen(space: Space, point: Point, outcome: Outcome, value: float | None) -> FrozenTrial:
    """A finished trial for a study in memory."""
    state = state_of(outcome, value)
    estimate = outcome.samples_per_s if state is TrialState.PRUNED else None
    return create_trial(
        state=state,
        value=value if state is TrialState.COMPLETE else None,
        params=params(space, point),
        distributions=distributions(space),
        intermediate_values={} if estimate is None else {0: estimate},
        system_attrs={
            _CONSTRAINT.format(k): v for k, v in constraints(space, point, outcome).items()
        },
    )


def in_memory(space: Space, tried: Sequence[Tried], objective: Objective) -> optuna.Study:
    """The trials as a study of Optuna's in memory: for its sampler, importances and figures."""
    with quiet():
        study = optuna.create_study(direction="maximize")
        baseline = tried[0].outcome if tried else None
        for one in tried:
            if one.point is not None:
                value = score(one.outcome, objective, baseline)
                study.add_trial(frozen(space, one.point, one.outcome, value))
    return study


def sampled(
    space: Space, tried: Sequence[Tried], objective: Objective, seen: Sequence[Seen], seed: int
) -> Point | None:
    """The next point by TPE that is new, valid and not surely out of memory.

    The sampler is seeded by the study's seed and the number of trials, so that a study that was
    killed goes on as it would have; it draws from a generator of its own. Where it proposes
    nothing new in so many attempts, a random one of the points nearest to the best is taken; None
    where nothing is left.
    """
    known = {s.point for s in seen}

    def new(point: Point) -> bool:
        return (
            point not in known
            and space.valid(point)
            and not surely_out_of_memory(space, seen, point)
        )

    study = in_memory(space, tried, objective)
    own_seed = (seed * 1_000_003 + len(tried)) % 2**32
    with quiet():
        study.sampler = optuna.samplers.TPESampler(
            multivariate=True, n_startup_trials=1, seed=own_seed
        )
        for _ in range(ATTEMPTS):
            trial = study.ask(fixed_distributions=distributions(space))
            point = tuple(int(trial.params[d.name]) for d in space.dimensions)
            study.tell(trial, state=TrialState.FAIL)
            if new(point):
                return point
    return nearest_new(space, seen, new, random.Random(own_seed))


def nearest_new(
    space: Space, seen: Sequence[Seen], new: Callable[[Point], bool], generator: random.Random
) -> Point | None:
    """A random one of the new points that differ least from the best; None where none is new."""
    best = best_of(seen)
    origin = best.point if best is not None else space.baseline
    dimensions = len(space.dimensions)
    for distance in range(1, dimensions + 1):
        near = [p for p in _at_distance(space, origin, distance) if new(p)]
        if near:
            return generator.choice(near)
    return None


def _at_distance(space: Space, origin: Point, distance: int) -> Iterator[Point]:
    """Points that differ from the origin in exactly so many dimensions."""
    sizes = [len(d.values) for d in space.dimensions]

    def walk(position: int, left: int, point: Point) -> Iterator[Point]:
        if left > len(sizes) - position:
            return
        if position == len(sizes):
            yield point
            return
        yield from walk(position + 1, left, (*point, origin[position]))
        if left:
            for index in range(sizes[position]):
                if index != origin[position]:
                    yield from walk(position + 1, left - 1, (*point, index))

    return walk(0, distance, ())


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna's log lines and its notes on experimental parts are not for gputune's user."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def importances(
    space: Space, tried: Sequence[Tried], objective: Objective
) -> tuple[Mapping[str, float], str]:
    """Each dimension's share of what tells the best quarter of the trials from the others.

    PED-ANOVA with a target quantile of 0.25, since its default of a tenth would stand on two of
    25 trials. Empty, with the reason, where fewer than eight trials are complete, or where they
    do not differ. A dimension of which the complete trials have one value only has none: the
    evaluator would give it the share by which an untried range differs from what was tried.
    """
    study = in_memory(space, tried, objective)
    complete = [t for t in study.get_trials(deepcopy=False) if t.state is TrialState.COMPLETE]
    values = [t.value for t in complete if t.value is not None]
    if len(complete) < LEAST_FOR_IMPORTANCE:
        return {}, f"{len(complete)} trials are too few to say which knob matters"
    if min(values) == max(values):
        return {}, "all trials were equally fast"
    names = [d.name for d in space.dimensions]
    moved = [name for name in names if len({t.params[name] for t in complete}) > 1]
    with quiet():
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.25)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=moved)
    if not found or sum(found.values()) <= 0:
        return {}, "the best trials do not differ from the others in any one knob"
    return found, f"from {len(complete)} trials: a hint, not a measurement"


LEAST_FOR_IMPORTANCE: Final = 8
