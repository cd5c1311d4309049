"""How a training is spread over the devices of this host."""

from __future__ import annotations

from gputune.analysis.run import FitRun
from gputune.analysis.trace_facts import TraceFacts
from gputune.schema.training import Distribution, Replica

_ELSEWHERE = ("MultiWorker", "CollectiveAllReduce", "ParameterServer", "TPU")
"""Strategies whose other processes gputune does not see; parts of their classes' names."""
NO_DEVICE_EVENTS = "the trace holds no events of several GPUs"


def distribution(fit: FitRun, batch_size: int | None, trace: TraceFacts) -> Distribution | None:
    """The Distribution of a fit; None where one device trains.

    `batch_size` is the global one: what all replicas take together in a step.
    """
    strategy, replicas = fit.begin.get("strategy"), int(fit.begin.get("replicas") or 1)
    if not strategy or (replicas < 2 and not is_elsewhere(str(strategy))):
        return None
    busy = {index: gpu.busy_s / trace.steps for index, gpu in trace.gpus if trace.steps}
    several = len(busy) > 1
    most = max(busy.values(), default=0.0)
    waiting = [gpu.all_reduce_s / gpu.window_s for _, gpu in trace.gpus if gpu.window_s > 0]
    return Distribution(
        strategy=str(strategy),
        replicas=replicas,
        per_replica_batch=batch_size // replicas if batch_size else None,
        global_batch=batch_size,
        devices=tuple(
            Replica(device=f"GPU:{index}", busy_s_per_step=seconds)
            for index, seconds in busy.items()
        ),
        imbalance_fraction=1 - min(busy.values()) / most if several and most > 0 else None,
        all_reduce_fraction=max(waiting) if several and waiting else None,
    )


def is_elsewhere(strategy: str) -> bool:
    """Whether a strategy trains in other processes, too."""
    return any(name in strategy for name in _ELSEWHERE)


def distribution_notes(found: Distribution | None) -> tuple[str, ...]:
    """What the reader must know: only one process was looked at."""
    if found is None or not is_elsewhere(found.strategy):
        return ()
    return (
        f"{found.strategy} trains in several processes: the process that was started here is the "
        "one that is profiled",
    )
