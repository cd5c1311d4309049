"""The host's side of a trace -> its part of the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from gputune.schema.trace import HostOp, HostStage, HostStep, TraceHost
from gputune.trace.host import Host
from gputune.trace.host_ops import StepWindow, host_steps, step_windows
from gputune.trace.iterators import IteratorNode, IteratorTree, iterator_forest
from gputune.trace.steps import step_marks
from gputune.trace.xplane import PS_PER_S, Trace

_MOST: Final = 10
_SUFFIX: Final = ".xplane.pb"


@dataclass(frozen=True)
class Shown:
    """The record, and the reasons for what is missing from it."""

    record: TraceHost
    unavailable: dict[str, str] = field(default_factory=dict)


def trace_host(trace: Trace, host: Host, *, file: str, detailed: bool) -> Shown:
    """What the host did; with `detailed` also its mean step and its input pipeline."""
    unavailable: dict[str, str] = {}
    if host.extent is None:
        unavailable["host"] = "the trace holds no events of the host"
    if host.waits is None:
        unavailable["host.get_next_s"] = "the trace has no GetNext events of the host"
    step: HostStep | None = None
    pipeline: tuple[HostStage, ...] = ()
    if detailed:
        windows = _windows(trace, host)
        step, reason = _step(trace, windows)
        if reason:
            unavailable["host.step"] = reason
        pipeline = _pipeline(trace, windows)
    name = trace.hostnames[0] if trace.hostnames else PurePath(file).name.removesuffix(_SUFFIX)
    record = TraceHost(
        name=name,
        thread_count=host.threads,
        event_count=host.events,
        duration_s=None if host.extent is None else (host.extent[1] - host.extent[0]) / PS_PER_S,
        get_next_count=len(host.get_next),
        get_next_s=None if host.waits is None else host.get_next_ps / PS_PER_S,
        step=step,
        pipeline=pipeline,
        top_op_types=tuple(
            HostOp(name=op.name, count=op.count, total_s=op.ps / PS_PER_S)
            for op in host.ops[:_MOST]
        ),
    )
    return Shown(record, unavailable)


def _windows(trace: Trace, host: Host) -> tuple[StepWindow, ...]:
    marks = step_marks(host)
    return step_windows(trace, marks[0].name) if marks else ()


def _step(trace: Trace, windows: tuple[StepWindow, ...]) -> tuple[HostStep | None, str]:
    if not windows:
        return None, "the trace has no markers of steps (events with `step_num`)"
    seen = host_steps(trace, windows)
    return HostStep(
        count=seen.windows,
        step_s=seen.step_s,
        ops_s=seen.ops_s,
        input_s=seen.input_s,
        dispatch_s=seen.dispatch_s,
        python_s=seen.python_s,
    ), seen.reason


def _pipeline(trace: Trace, windows: tuple[StepWindow, ...]) -> tuple[HostStage, ...]:
    """The stages of the pipeline that was asked most often, next to the model first."""
    spans = tuple(window.interval for window in windows)
    forest = iterator_forest(trace, windows=spans or None)
    if not forest:
        return ()
    tree = forest[0]
    return tuple(_stage(tree, node) for node in tree.nodes)


def _stage(tree: IteratorTree, node: IteratorNode) -> HostStage:
    return HostStage(
        op=node.op,
        names=node.names,
        depth=len(node.path) - len(tree.root.path),
        count=node.count,
        total_s=node.total_s,
        exclusive_s=node.exclusive_s,
        function_s=node.function_s,
        python=node.python,
    )
