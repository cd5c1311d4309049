"""Read the trace that a fit left in its session."""

from __future__ import annotations

from pathlib import Path

from gputune.analysis.run import FitRun
from gputune.analysis.trace_facts import TraceFacts
from gputune.trace.gpu import GpuActivity, gpu_streams
from gputune.trace.host_ops import StepWindow, host_steps, step_windows
from gputune.trace.iterators import iterator_forest
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
        gpu=gpus[0][1] if gpus else None,
        gpus=gpus,
        steps=len(windows) * fit.steps_per_call,
    )


def _gpus(trace: Trace, windows: tuple[StepWindow, ...]) -> tuple[tuple[int, GpuActivity], ...]:
    """The GPUs that worked, from the first traced step to the end of the last."""
    if not windows:
        return ()
    window = (windows[0].start_ps, windows[-1].end_ps)
    return tuple((gpu.index, gpu.activity(window)) for gpu in gpu_streams(trace))
