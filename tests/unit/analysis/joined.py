"""Stages of made-up pipelines: trees as the trace gives them, joined to models and calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gputune.analysis.pipeline import pipeline_record
from gputune.analysis.stages import Joined, join, model_nodes
from gputune.schema.profile import Pipeline, Stage
from gputune.trace.iterators import IteratorNode, IteratorTree


def traced(
    number: int, op: str, parent: int | None = None, *names: str, count: int = 0,
    ms: float | None = None, python: bool = False, injected: bool = False, **stats: Any,
) -> IteratorNode:  # fmt: skip
    """A node of the trace; `ms` is its own time in all (of its function, where it has one)."""
    return IteratorNode(
        id=number, parent_id=parent, path=(op,), op=op, names=names, injected=injected,
        count=count, total_s=(ms or 0.0) / 1e3, exclusive_s=(ms or 0.0) / 1e3,
        function_s=None if ms is None else ms / 1e3, function_count=count, python=python,
        instances=1, stats=stats,
    )  # fmt: skip


def tree(*nodes: IteratorNode, asked: int = 10) -> IteratorTree:
    return IteratorTree(nodes=nodes, get_next_count=asked)


def joined(
    nodes: Sequence[Mapping[str, Any]], trace: IteratorTree | None,
    calls: Sequence[dict[str, Any]] = (),
) -> list[Joined]:  # fmt: skip
    """As the profile joins them; the last call is what `fit` was given."""
    models = [{"phase": "end", "iterator": 1, "nodes": nodes}] if nodes else []
    by_id = {call["id"]: call for call in calls}
    return join(model_nodes(models), trace, by_id, calls[-1]["id"] if calls else None)


def pipeline(
    nodes: Sequence[Mapping[str, Any]], trace: IteratorTree | None = None,
    calls: Sequence[dict[str, Any]] = (), *, cores: float | None = None,
) -> Pipeline:  # fmt: skip
    return pipeline_record(
        joined(nodes, trace, calls), source="tf.data",
        get_next_count=trace.get_next_count if trace is not None else None,
        drained_batches_per_s=None, orders=(), cores=cores,
    )  # fmt: skip


def bottleneck(found: Pipeline) -> Stage:
    (stage,) = [stage for stage in found.stages if stage.bottleneck]
    assert stage.index == found.bottleneck
    return stage
