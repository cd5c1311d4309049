"""What each stage of the input could deliver, and which one limits it.

A parallel or prefetching stage has threads of its own; the sequential stages above it, up to the
next such stage, run one after another in one of them and their times add up. The slowest such
stretch limits the pipeline, and in it the stage that takes longest is the bottleneck. A stage's
own time does not contain waiting for what is above it, so blame falls where the time goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gputune.analysis.calls import label, main_call, site_of
from gputune.analysis.stages import Joined
from gputune.schema.profile import OrderProblem, Pipeline, Stage
from gputune.schema.site import Site

TRACE_SEES_MORE = 3.0
"""The model leaves out a stage that sleeps in C++; the trace has it. Where the trace's own time
is so many times the model's, the trace is believed; below that it is inflated by tracing."""
_WORTH_S = 50e-6
_IN_FLIGHT_FRACTION = 0.3


@dataclass(frozen=True)
class _Own:
    """A stage's own time for one batch, and where the figure is from."""

    self_s: float | None
    source: str
    elements_per_batch: float | None


def pipeline_record(
    stages: Sequence[Joined], *, source: str, get_next_count: int | None,
    drained_batches_per_s: float | None, orders: tuple[OrderProblem, ...],
    input_code: Site | None = None, batch_size: int | None = None, cores: float | None = None,
) -> Pipeline:  # fmt: skip
    """The Pipeline of the joined stages; its rates are batches per second.

    `get_next_count` is how often the traced iterator was asked. `input_code` is the user's own
    Python that makes the batches of a generator or a `PyDataset`: Keras' pipeline around it has
    no line of the user's but that of `fit`. `cores` are the usable ones.
    """
    owns = [_own(stage, stages, get_next_count, batch_size) for stage in stages]
    records = [
        _stage(index, stage, own)
        for index, (stage, own) in enumerate(zip(stages, owns, strict=True))
    ]
    if input_code is not None:
        records = [_made_by(record, input_code) if record.python else record for record in records]
    bottleneck, predicted = _limit(records, stages, cores)
    records = [
        replace(
            record,
            bottleneck=record.index == bottleneck,
            max_batches_per_s=_stage_rate(record, _multiplicity(records, stages, record.index)),
        )
        for record in records
    ]
    return Pipeline(
        source=source,
        stages=tuple(records),
        bottleneck=bottleneck,
        predicted_max_batches_per_s=predicted,
        measured_max_batches_per_s=drained_batches_per_s,
        order_problems=orders,
    )


def _own(
    stage: Joined, stages: Sequence[Joined], get_next_count: int | None, batch_size: int | None
) -> _Own:
    model = traced = None
    per_batch = None
    root = stages[0].model
    if stage.model is not None and root is not None and root.elements > 0:
        per_batch = _per_batch(stage.model.elements / root.elements, batch_size)
        if stage.model.elements > 0:
            model = max(stage.model.self_s, 0.0) / stage.model.elements * per_batch
    seen = stage.traced
    if seen is not None and get_next_count and seen.count and seen.self_s is not None:
        if per_batch is None:
            per_batch = _per_batch(seen.count / get_next_count, batch_size)
        # Stages ahead of the model run on while the steps are traced: per element, not in all.
        traced = seen.self_s / seen.count * per_batch
    if traced is not None and (
        model is None or (traced > TRACE_SEES_MORE * model and traced - model > _WORTH_S)
    ):
        return _Own(traced, "trace", per_batch)
    return _Own(model, "model" if model is not None else "", per_batch)


def _per_batch(ratio: float, batch_size: int | None) -> float:
    """A stage's elements for one batch.

    What is in flight between two looks makes the counted ratio a little wrong; one near 1 or near
    the batch size is exactly that.
    """
    for exact in (1, batch_size):
        if exact and abs(ratio / exact - 1) < _IN_FLIGHT_FRACTION:
            return float(exact)
    return ratio


def _stage(index: int, stage: Joined, own: _Own) -> Stage:
    call = main_call(stage.calls)
    parallelism, tuned = _parallelism(stage)
    limit, limit_tuned = _parameter(stage, "buffer_size")
    return Stage(
        index=index,
        parent=stage.parent,
        op=stage.op,
        label=label(call) if call is not None else stage.op,
        site=site_of(call) if call is not None else None,
        calls=tuple(label(c) for c in stage.calls),
        injected=stage.injected,
        self_s=own.self_s,
        self_source=own.source,
        elements_per_batch=own.elements_per_batch,
        element_s=_element_s(own),
        parallelism=parallelism,
        parallelism_autotuned=tuned,
        python=runs_python(stage),
        buffer_elements=stage.model.buffered if stage.model is not None and limit else None,
        buffer_limit=limit,
        buffer_autotuned=limit_tuned,
    )


def _made_by(record: Stage, code: Site) -> Stage:
    return replace(record, label=f"{code.function}()", site=code)


def runs_python(stage: Joined) -> bool:
    """Whether the stage's function is Python: one at a time, whatever its parallelism."""
    if stage.traced is not None and stage.traced.python:
        return True
    return any(call.get("python") for call in stage.calls)


def _element_s(own: _Own) -> float | None:
    if own.self_s is None or not own.elements_per_batch:
        return None
    return own.self_s / own.elements_per_batch


def _parallelism(stage: Joined) -> tuple[float | None, bool | None]:
    value, tuned = _parameter(stage, "parallelism")
    if value is not None:
        return value, tuned
    if stage.traced is not None:
        traced = stage.traced.stats.get("parallelism")
        if isinstance(traced, (int, float)) and traced > 0:
            return float(traced), stage.traced.stats.get("autotune") is True
    return None, None


def _parameter(stage: Joined, name: str) -> tuple[float | None, bool | None]:
    parameter = stage.model.parameters.get(name) if stage.model is not None else None
    if parameter is None:
        return None, None
    return float(parameter["value"]), bool(parameter["tunable"])


def _is_boundary(stage: Joined) -> bool:
    """Whether other threads produce for this stage."""
    if stage.traced is not None:
        return stage.traced.asynchronous
    return stage.op.startswith(("Parallel", "Prefetch", "MapAndBatch"))


def _stage_rate(record: Stage, multiplicity: float) -> float | None:
    if not record.self_s:
        return None
    at_once = 1.0 if record.python else max(record.parallelism or 1.0, 1.0)
    return at_once * (1.0 if record.python else multiplicity) / record.self_s


def _multiplicity(records: Sequence[Stage], stages: Sequence[Joined], index: int) -> float:
    """How many of a stage run at once because a parallel interleave reads several inputs."""
    times = 1.0
    parent = stages[index].parent
    while parent is not None:
        if stages[parent].op.startswith("ParallelInterleave"):
            times *= max(records[parent].parallelism or 1.0, 1.0)
        parent = stages[parent].parent
    return times


def _limit(
    records: Sequence[Stage], stages: Sequence[Joined], cores: float | None
) -> tuple[int | None, float | None]:
    """The bottleneck's index and the predicted batches per second of the whole pipeline.

    No stretch is slower than all the work shared by all `cores` (Plumber's limit): where that is
    the limit, the stage with the most work is to blame, however many of it run at once.
    """
    slowest: tuple[float, int] | None = None
    for members in _stretches(stages):
        costs = []
        for index in members:
            rate = _stage_rate(records[index], _multiplicity(records, stages, index))
            costs.append((1 / rate if rate else 0.0, index))
        total = sum(cost for cost, _ in costs)
        worst = max(costs, key=lambda pair: (pair[0], pair[1]))[1]
        if total > 0 and (slowest is None or total > slowest[0]):
            slowest = (total, worst)
    if slowest is None:
        return None, None
    work = {record.index: record.self_s or 0.0 for record in records}
    shared = sum(work.values()) / cores if cores else 0.0
    if shared > slowest[0]:
        return max(work, key=lambda index: work[index]), 1 / shared
    return slowest[1], 1 / slowest[0]


def _stretches(stages: Sequence[Joined]) -> list[list[int]]:
    """The stages that run one after another in one thread; a parallel stage's function alone."""
    members: dict[int, list[int]] = {}
    alone: list[list[int]] = []
    for index, stage in enumerate(stages):
        if _is_boundary(stage):
            alone.append([index])
            continue
        key, parent = -1, stage.parent
        while parent is not None:
            if _is_boundary(stages[parent]):
                key = parent
                break
            parent = stages[parent].parent
        members.setdefault(key, []).append(index)
    return alone + list(members.values())


def order_problems(chain: Sequence[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Calls in an order that costs, as (what, call); `chain` runs from the source to the model."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    seen: list[str] = []
    random_before = False
    for call in chain:
        method = str(call["method"])
        if method == "cache" and "prefetch" in seen:
            found.append(("cache-after-prefetch", call))
        if method == "cache" and "repeat" in seen:
            found.append(("cache-after-repeat", call))
        if method == "cache" and random_before:
            found.append(("cache-after-random", call))
        if method == "shuffle" and {"batch", "padded_batch"} & set(seen):
            found.append(("shuffle-after-batch", call))
        function = call.get("arguments", {}).get("map_func")
        if method == "map" and isinstance(function, dict) and function.get("random"):
            random_before = True
        if method in ("unbatch", "rebatch"):
            seen = [m for m in seen if m not in ("batch", "padded_batch")]
        endless = (call.get("arguments") or {}).get("count") in (None, -1)
        if method != "repeat" or endless:
            seen.append(method)
    methods = [str(call["method"]) for call in chain]
    if "prefetch" in methods:
        after = methods[::-1].index("prefetch")
        work = {"map", "batch", "padded_batch", "filter", "shuffle"} & set(
            methods[len(methods) - after :]
        )
        if work:
            last = len(methods) - 1 - after
            found.append(("prefetch-not-last", chain[last]))
    return found
