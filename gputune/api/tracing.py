"""Read the trace that a fit left in its session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gputune.analysis.run import FitRun
from gputune.analysis.trace_facts import TraceFacts
from gputune.schema.trace import Activity
from gputune.trace.columns import base_ps
from gputune.trace.gpu import GpuActivity, gpu_streams
from gputune.trace.host import read_host
from gputune.trace.host_ops import StepWindow, host_steps, step_windows
from gputune.trace.iterators import iterator_forest
from gputune.trace.measure import activity, measured
from gputune.trace.xplane import Trace, UnreadableTrace, find, read


def trace_facts(fit: FitRun) -> TraceFacts:
    """What the trace shows of the fit's steps; with the reason where there is none."""
    if fit.trace is None:
        told = next((u["reason"] for u in fit.unavailable if u["metric"] == "trace"), "")
        return TraceFacts(reason=str(told) or "the training ended before steps were traced")
    path = find(Path(str(fit.trace["logdir"])))
    if path is None:
        return TraceFacts(reason="TensorFlow's profiler wrote no trace")
    try:
        # Its lines are read one after the other, whenever they are asked for.
        return _facts(read(path), fit)
    except UnreadableTrace as error:
        return TraceFacts(reason=str(error))


def _facts(trace: Trace, fit: FitRun) -> TraceFacts:
    """What the trace shows; raises UnreadableTrace where one of its lines is damaged."""
    windows = step_windows(trace)
    forest = iterator_forest(trace, windows=tuple(window.interval for window in windows))
    gpus = _gpus(trace, windows)
    tree = next((t for t in forest if t.get_next_count > 0), None)
    return TraceFacts(
        host=host_steps(trace, windows, steps_per_window=fit.steps_per_call),
        tree=tree,
        gpu=gpus[0].seen if gpus else None,
        gpus=tuple((gpu.index, gpu.seen) for gpu in gpus),
        activities=tuple((gpu.index, gpu.all) for gpu in gpus),
        steps=len(windows) * fit.steps_per_call,
    )


@dataclass(frozen=True)
class _Gpu:
    """A GPU that worked: its number, and what it did from the first traced step to the last."""

    index: int
    seen: GpuActivity
    all: Activity


def _gpus(trace: Trace, windows: tuple[StepWindow, ...]) -> list[_Gpu]:
    streams = gpu_streams(trace) if windows else ()
    if not streams:
        return []
    window = (windows[0].start_ps, windows[-1].end_ps)
    base = base_ps(trace)
    host = read_host(trace, base)
    start, end = (point - base for point in window)
    found = []
    for gpu in streams:
        extent = gpu.device.extent or (start, end)
        axis = (min(start, extent[0]), max(end, extent[1]))
        everything = activity(measured(gpu, host, axis), (start, end), since=start)
        found.append(_Gpu(gpu.index, gpu.activity(window), everything))
    return found
