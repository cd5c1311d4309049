"""The input pipeline joined: the user's calls, the iterator's model, and the trace.

TensorFlow runs another pipeline than the user wrote (fused, with stages put in). The trace has
each stage by the name that the recorded call gave it; the iterator's model has the same tree
without names, but with what each stage takes and what AUTOTUNE chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gputune.analysis.calls import chain_to_source
from gputune.trace.iterators import IteratorNode, IteratorTree


@dataclass(frozen=True, kw_only=True)
class ModelNode:
    """One node of the iterator's model over a stretch of time.

    `self_s` and `elements` are of the stretch; `parameters` are the current ones.
    """

    id: int
    op: str
    inputs: tuple[int, ...]
    self_s: float
    elements: int
    buffered: float
    parameters: Mapping[str, Mapping[str, float]]


@dataclass(kw_only=True)
class Joined:
    """One stage as it ran: its model node, its trace node (either may be missing), its calls."""

    op: str
    parent: int | None
    model: ModelNode | None
    traced: IteratorNode | None
    calls: list[dict[str, Any]] = field(default_factory=list)
    injected: bool = False


def model_nodes(models: Sequence[Mapping[str, Any]]) -> list[ModelNode]:
    """The last model of the clean phase, its totals less those at the phase's beginning.

    The difference is taken where both are of one iterator; an epoch that began in between has a
    new one, whose totals are its own. Next to the model first. Empty where there is no model.
    """
    last = next((m for m in reversed(models) if m["phase"] == "end"), None)
    if last is None:
        last = next(iter(reversed(models)), None)
    if last is None:
        return []
    first = next((m for m in models if m["iterator"] == last["iterator"] and m is not last), None)
    before = {node["id"]: node for node in first["nodes"]} if first is not None else {}
    if first is not None and not _same_iterator(first["nodes"], last["nodes"]):
        before = {}
    return [_model_node(node, before.get(node["id"])) for node in last["nodes"]]


def join(
    nodes: Sequence[ModelNode], tree: IteratorTree | None, calls: Mapping[int, Mapping[str, Any]],
    root_call: int | None,
) -> list[Joined]:  # fmt: skip
    """The stages as they ran, next to the model first, each with the calls that asked for it.

    Stages are found by name in the trace; one without a name (a transformation that takes none)
    by its place between two that have one. Without a trace the recorded chain from `root_call`
    is laid along the model by kind.
    """
    stages = _from_trace(tree, nodes) if tree is not None else []
    if not stages:
        # A trace in which no call of a stage both began and ended has its root alone.
        tree, stages = None, _from_model(nodes)
    by_name = {str(c["name"]): c for c in calls.values() if c.get("name")}
    for stage in stages:
        for name in stage.traced.names if stage.traced is not None else ():
            if name in by_name:
                stage.calls.append(dict(by_name[name]))
    if tree is None:
        _lay_along(stages, calls, root_call)
    else:
        _fill_gaps(stages, calls, root_call)
    return stages


def _model_node(node: Mapping[str, Any], before: Mapping[str, Any] | None) -> ModelNode:
    def since(key: str) -> int:
        return int(node[key]) - (int(before[key]) if before is not None else 0)

    return ModelNode(
        id=node["id"],
        op=node["name"],
        inputs=tuple(node["inputs"]),
        self_s=since("processing_time_ns") / 1e9,
        elements=since("num_elements"),
        buffered=float(node["buffered_elements"]),
        parameters=node["parameters"],
    )


def _same_iterator(first: Sequence[Mapping[str, Any]], last: Sequence[Mapping[str, Any]]) -> bool:
    """An iterator's id may be reused after its end: its totals then fall."""
    totals = {node["id"]: node["num_elements"] for node in first}
    return all(node["num_elements"] >= totals.get(node["id"], 0) for node in last)


def _from_model(nodes: Sequence[ModelNode]) -> list[Joined]:
    order: list[Joined] = []
    by_id = {node.id: node for node in nodes}
    fed = {i for node in nodes for i in node.inputs}
    roots = [node for node in nodes if node.id not in fed]

    def visit(node: ModelNode, parent: int | None) -> None:
        index = len(order)
        order.append(Joined(op=node.op, parent=parent, model=node, traced=None))
        for child in node.inputs:
            if child in by_id:
                visit(by_id[child], index)

    for root in roots[:1]:
        visit(root, None)
    return _without_root(order)


def _from_trace(tree: IteratorTree, nodes: Sequence[ModelNode]) -> list[Joined]:
    order: list[Joined] = []
    by_id = {node.id: node for node in nodes}
    fed = {i for node in nodes for i in node.inputs}
    model_root = next((node for node in nodes if node.id not in fed), None)

    def visit(node: IteratorNode, parent: int | None, model: ModelNode | None) -> None:
        index = len(order)
        order.append(
            Joined(op=node.op, parent=parent, model=model, traced=node, injected=node.injected)
        )
        left = [by_id[i] for i in model.inputs if i in by_id] if model is not None else []
        for child in tree.children(node):
            match = next((m for m in left if _same_op(m.op, child.op)), None)
            if match is None and len(left) == 1 and len(tree.children(node)) == 1:
                match = left[0]
            if match is not None:
                left.remove(match)
            visit(child, index, match)

    root = tree.root
    visit(root, None, model_root if model_root and _same_op(model_root.op, root.op) else None)
    return _without_root(order)


def _without_root(order: list[Joined]) -> list[Joined]:
    """Leave out `Root`, which does nothing of its own, and renumber."""
    if not order or order[0].op != "Root":
        return order
    for stage in order[1:]:
        stage.parent = None if stage.parent in (0, None) else stage.parent - 1
    return order[1:]


def _same_op(model: str, traced: str) -> bool:
    """`MapAndBatchV2` and `MapAndBatch`, `Map[0]` and `Map` are one operation."""
    return _plain_op(model) == _plain_op(traced)


def _plain_op(op: str) -> str:
    name = op.split("[")[0].split("(")[0]
    for version in ("V2", "V3", "V4", "V5"):
        name = name.removesuffix(version)
    return name.removesuffix("Dataset")


def _fill_gaps(
    stages: list[Joined], calls: Mapping[int, Mapping[str, Any]], root_call: int | None
) -> None:
    """Give a nameless stage the call that stands between its neighbours' calls."""
    used = {call["id"] for stage in stages for call in stage.calls}
    for index, stage in enumerate(stages):
        if stage.calls or stage.injected:
            continue
        start = _nearest_call_towards_model(stages, index)
        chain = chain_to_source(calls, start if start is not None else root_call)
        for call in chain[1:] if start is not None else chain:
            if call["id"] in used:
                if not _is_outer(call, stages):
                    break
                continue
            if call.get("name") and call.get("ours"):
                # A named call that the trace does not show was optimised away.
                continue
            stage.calls.append(dict(call))
            used.add(call["id"])
            break


def _is_outer(call: Mapping[str, Any], stages: Sequence[Joined]) -> bool:
    return any(c.get("outer") == call["id"] for stage in stages for c in stage.calls)


def _nearest_call_towards_model(stages: Sequence[Joined], index: int) -> int | None:
    parent = stages[index].parent
    while parent is not None:
        if stages[parent].calls:
            # Fused calls are listed upstream first; the one furthest upstream is nearest.
            return int(min(call["id"] for call in stages[parent].calls))
        parent = stages[parent].parent
    return None


_KINDS = {
    "map": ("Map", "ParallelMap", "MapAndBatch"),
    "batch": ("Batch", "ParallelBatch", "MapAndBatch"),
    "padded_batch": ("PaddedBatch",),
    "prefetch": ("Prefetch",),
    "shuffle": ("Shuffle", "ShuffleAndRepeat"),
    "repeat": ("Repeat", "ForeverRepeat", "FiniteRepeat", "ShuffleAndRepeat"),
    "cache": ("MemoryCache", "FileCache", "Cache", "MemoryCacheImpl"),
    "filter": ("Filter", "ParallelFilter"),
    "interleave": ("Interleave", "ParallelInterleave"),
    "flat_map": ("FlatMap",),
    "from_generator": ("FlatMap", "Generator"),
    "from_tensor_slices": ("TensorSlice",),
    "range": ("Range",),
    "take": ("Take", "FiniteTake"),
    "skip": ("Skip", "FiniteSkip"),
}


def _lay_along(
    stages: list[Joined], calls: Mapping[int, Mapping[str, Any]], root_call: int | None
) -> None:
    """Without names: walk both chains towards the source and match by kind."""
    position = 0
    for call in chain_to_source(calls, root_call):
        kinds = _KINDS.get(str(call["method"]), ())
        for index in range(position, len(stages)):
            taken = {c["method"] for c in stages[index].calls}
            if _plain_op(stages[index].op) in kinds and call["method"] not in taken:
                stages[index].calls.append(dict(call))
                # A fused stage carries out the next call, too.
                position = index if stages[index].op.startswith("MapAndBatch") else index + 1
                break
