"""The input pipelines as TensorFlow ran them, from a host trace.

Every `GetNext` of every tf.data iterator is an event `Iterator::Root::Prefetch::MapAndBatch::…`
with the stats `id` and `parent_id` (the tree), `name` (the dataset's name: the user's, gputune's,
or TensorFlow's own `RepeatDataset:5`; `fused(a,b)` where calls were fused; `inject/…` where
TensorFlow put the stage in), and each stage's own (`parallelism`, `buffer_limit`, `autotune`, …).

What can be relied on, found with TensorFlow 2.21 (tests/fixtures/traces):

- An event is written when it *ends* inside the trace. A stage that was busy at the start or the
  end of the trace misses that call, and one whose every call is longer than the trace is not
  there at all; it comes back as a node without a count where its children name it.
- `repeat`, `flat_map` and `interleave` make a new iterator for every epoch or file, each with an
  id of its own; these are one stage, and are put together here (`instances`).
- A parallel stage does not run its function inside its own event: that event is the consumer's
  wait. The function runs on other threads, found by its step id: `function_s`. A sequential
  stage's event contains the run of its function, so `exclusive_s` has both.
- An event covers waiting for the stages above it, and waiting for the GIL and for a free core:
  shares locate, sums do not measure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator as Generator
from collections.abc import Mapping
from dataclasses import dataclass

from gputune.trace.columns import base_ps
from gputune.trace.intervals import contains, union
from gputune.trace.iterator_calls import Calls, collect
from gputune.trace.xplane import PS_PER_S, Stat, Trace

# Stages whose inputs are different pipelines; elsewhere an index counts epochs or files.
_BRANCHING = frozenset({"Zip", "Concatenate", "DirectedInterleave", "ChooseFastestBranch"})
_ASYNCHRONOUS = frozenset({"Prefetch", "MapAndBatch", "MapAndBatchV2", "Root"})
_INDEX = re.compile(r"\[(\d+)\]$")


@dataclass(frozen=True, kw_only=True)
class IteratorNode:
    """One stage of a pipeline, all its iterators together.

    `id` is that of its first iterator and `parent_id` that of its consumer in this forest (None
    for a root). `path` are the operations from the root to here, `op` the last of them. `names`
    are the names of the datasets it carries out, innermost call first; empty where TensorFlow
    named it, and for the root, which only repeats its input's.

    `count` is the number of GetNext calls that ended in the trace, `total_s` their summed
    duration and `exclusive_s` that without the iterators nested in them on the same thread.
    `function_s` is the time that threads spent in the stage's function (map, filter, generator)
    over `function_count` runs, None where it has none. `python` says that the function runs
    Python. Times are seconds.
    """

    id: int
    parent_id: int | None
    path: tuple[str, ...]
    op: str
    names: tuple[str, ...]
    injected: bool
    count: int
    total_s: float
    exclusive_s: float
    function_s: float | None
    function_count: int
    python: bool
    instances: int
    stats: Mapping[str, Stat]

    @property
    def asynchronous(self) -> bool:
        """Whether other threads produce for the stage: its own event is then mere waiting."""
        return self.op.startswith("Parallel") or self.op in _ASYNCHRONOUS

    @property
    def self_s(self) -> float | None:
        """The stage's own work in the trace, in seconds summed over threads.

        An asynchronous stage's is that of its function; None where it has none to show. For any
        other stage it is `exclusive_s`.
        """
        return self.function_s if self.asynchronous else self.exclusive_s


@dataclass(frozen=True, kw_only=True)
class IteratorTree:
    """One pipeline. `nodes` has the root first and every stage after its consumer."""

    nodes: tuple[IteratorNode, ...]
    get_next_count: int
    """How many elements were asked of the root in the trace."""

    @property
    def root(self) -> IteratorNode:
        """The stage that the model, or the script, asks."""
        return self.nodes[0]

    def children(self, node: IteratorNode) -> tuple[IteratorNode, ...]:
        """The stages that `node` asks."""
        return tuple(other for other in self.nodes if other.parent_id == node.id)


def iterator_forest(
    trace: Trace, *, windows: tuple[tuple[int, int], ...] | None = None
) -> tuple[IteratorTree, ...]:
    """The pipelines that ran in the trace, the one that was asked most often first.

    With `windows` (picoseconds on the trace's axis, such as `host_ops.step_windows` finds)
    only calls that began inside one are counted for `get_next_count`; a pipeline that was not
    asked in any (a validation dataset's) then has 0 and comes last.
    """
    host = trace.host
    if host is None:
        return ()
    calls = collect(host, base_ps(trace))
    logical = _merge(calls)
    trees = []
    for root in (key for key, stage in logical.items() if stage.parent is None):
        nodes = tuple(_node(logical, key, calls) for key in _descend(logical, root))
        asked = _asked(logical, root, calls, windows)
        trees.append(IteratorTree(nodes=nodes, get_next_count=asked))
    return tuple(sorted(trees, key=lambda tree: -tree.get_next_count))


def dataset_names(name: str) -> tuple[str, ...]:
    """`fused(gt_4_map,gt_5_batch)` -> its members; nested fusions flattened; TensorFlow's -> ()."""
    if name.startswith("fused(") and name.endswith(")"):
        members: list[str] = []
        for part in _split(name[len("fused(") : -1]):
            members.extend(dataset_names(part))
        return tuple(members)
    # `PrefetchDataset:10` is the name that TensorFlow gives a dataset which has none.
    if not name or re.fullmatch(r"[A-Za-z_]\w*Dataset(V\d+)?(:\d+)?", name):
        return ()
    return (name,)


def _split(text: str) -> Generator[str]:
    """Split at the commas outside parentheses."""
    depth, start = 0, 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


@dataclass
class _Stage:
    """A logical stage under construction: its consumer's key and its iterators' ids."""

    parent: int | None
    path: tuple[str, ...]
    name: str
    ids: list[int]


def _merge(calls: Calls) -> dict[int, _Stage]:
    """Put the iterators of one stage together; stages are keyed by their first iterator's id."""
    stages: dict[int, _Stage] = {}
    stage_of: dict[int, int] = {}
    known: dict[tuple[int | None, str, str, str], int] = {}
    for id_ in _parents_first(calls):
        seen = calls.iterators[id_]
        parent = None if seen.parent_id is None else stage_of.get(seen.parent_id)
        op = seen.path[-1]
        branch = ""
        if len(seen.path) > 1 and (index := _INDEX.search(seen.path[-2])):
            consumer = _INDEX.sub("", seen.path[-2])
            branch = index.group(1) if consumer in _BRANCHING else ""
        key = (parent if parent is not None else -id_, branch, op, seen.name)
        if key in known:
            stages[known[key]].ids.append(id_)
        else:
            known[key] = id_
            path = (*stages[parent].path, op) if parent is not None else (op,)
            stages[id_] = _Stage(parent, path, seen.name, [id_])
        stage_of[id_] = known[key]
    return stages


def _parents_first(calls: Calls) -> list[int]:
    """Iterator ids, shallow ones first, in the order of their first event."""
    return sorted(calls.iterators, key=lambda id_: len(calls.iterators[id_].path))


def _descend(stages: dict[int, _Stage], root: int) -> Generator[int]:
    yield root
    for key, stage in stages.items():
        if stage.parent == root:
            yield from _descend(stages, key)


def _node(stages: dict[int, _Stage], key: int, calls: Calls) -> IteratorNode:
    stage = stages[key]
    iterators = [calls.iterators[id_] for id_ in stage.ids]
    runs = [run for one in iterators for run in one.functions]
    stretches = [stretch for run in runs for stretch in calls.runs.get(run, ())]
    busy = sum(stretch.interval[1] - stretch.interval[0] for stretch in stretches)
    latest = max(iterators, key=lambda one: one.last_ps)
    return IteratorNode(
        id=key,
        parent_id=stage.parent,
        path=stage.path,
        op=stage.path[-1],
        names=() if stage.path[-1] == "Root" else dataset_names(stage.name),
        injected=stage.path[-1] != "Root" and stage.name.startswith("inject/"),
        count=sum(one.count for one in iterators),
        total_s=sum(one.total_ps for one in iterators) / PS_PER_S,
        exclusive_s=sum(one.exclusive_ps for one in iterators) / PS_PER_S,
        function_s=busy / PS_PER_S if runs else None,
        function_count=len(runs),
        python=any(stretch.python for stretch in stretches),
        instances=len(iterators),
        stats=_own_stats(latest.stats),
    )


def _own_stats(stats: dict[str, Stat]) -> dict[str, Stat]:
    """The stage's own stats of its last call, with `true` and `false` as booleans."""
    truth: dict[Stat, Stat] = {"true": True, "false": False}
    return {
        key: truth.get(value, value)
        for key, value in stats.items()
        if key not in {"id", "parent_id", "name"}
    }


def _asked(
    stages: dict[int, _Stage],
    root: int,
    calls: Calls,
    windows: tuple[tuple[int, int], ...] | None,
) -> int:
    starts = [start for id_ in stages[root].ids for start in calls.iterators[id_].starts_ps]
    if windows is None:
        return len(starts)
    inside = union(windows)
    return sum(contains(inside, start) for start in starts)
