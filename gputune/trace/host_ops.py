"""Where the traced steps spent their time on the host: the model's operations, and the rest.

On a machine without a GPU the operations are the "device compute"; with one they only launch.

The rule, established with TensorFlow 2.21 (tests/fixtures/traces, figures in its README):

- A step is the event `gputune_step` that gputune puts around each traced call of the compiled
  training function, so nothing has to be mapped between clocks.
- The run of the training function is the `FunctionRun` on that thread inside the step; its
  `id` is on every `ExecutorState::Process`, the stretches in which a thread works on it.
- The model's operations are the events `layer/Op:Type` inside such a stretch. Operations in the
  functions of tf.data run under other ids, mostly on `tf_data_*` threads, and are left out, and
  so are those of functions that other threads of the script call. Under XLA the operations have
  the stat `hlo_op` and run on any thread, outside such stretches.
- `IteratorGetNext…Op::DoCompute` with that id is the step's wait for input, and so is one on the
  step's own thread: of a loop that takes its batches in Python.
- An operation that TensorFlow has found to be cheap (below 8000 cycles, some 3 µs, in a moving
  average that starts high) has no event, and so counts as dispatch. That takes about a hundred
  runs of the function: a tiny model showed 44 operations a step at its 80th step, 41 at the
  100th, 3 at the 120th and 1 at the 200th. So for models of tiny operations `ops_s` is a lower
  bound of the compute, and `ops_s + bookkeeping_s` an upper one.
- On a busy machine, waiting for a core counts where the thread waited, mostly as dispatch.

The parts are exclusive and sum to the step, in this order of precedence: operations, input,
dispatch (inside the call into TensorFlow, no operation, no wait), python (outside it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gputune.trace import cover
from gputune.trace.columns import base_ps
from gputune.trace.cover import NONE, Ints
from gputune.trace.functions import (
    FUNCTION_RUN,
    PROCESS,
    Runs,
    is_tf_data,
    op_type,
    runs_of,
    runs_or_python,
)
from gputune.trace.intervals import Interval, contains, intersect, subtract, total, union
from gputune.trace.threads import NO_ID, ThreadEvents, thread_events
from gputune.trace.xplane import PS_PER_S, Line, Plane, Trace

STEP = "gputune_step"
# The call from Python into TensorFlow's runtime that runs a compiled function.
_CALLS = ("TFE_Py_ExecuteCancelable", "EagerLocalExecute: __inference")
_INPUT_OPS = ("IteratorGetNext", "IteratorGetNextSync", "IteratorGetNextAsOptional")


@dataclass(frozen=True, kw_only=True)
class StepWindow:
    """One traced call of the training function, in picoseconds on the trace's axis."""

    step_num: int | None
    start_ps: int
    end_ps: int
    line_id: int

    @property
    def interval(self) -> Interval:
        """(start_ps, end_ps)."""
        return self.start_ps, self.end_ps


@dataclass(frozen=True, kw_only=True)
class HostSteps:
    """Mean seconds of a training step, by what the host did; see the module for the rule.

    `step_s` = `ops_s` + `input_s` + `dispatch_s` + `python_s`. Each part is None where the trace
    cannot tell, and `reason` says why. `bookkeeping_s` is the part of `dispatch_s` in which a
    thread worked on the function: cheap operations, and the executor's own work. `op_events`
    counts the model's operations that began in a step.
    """

    windows: int
    step_s: float | None = None
    ops_s: float | None = None
    input_s: float | None = None
    dispatch_s: float | None = None
    bookkeeping_s: float | None = None
    python_s: float | None = None
    op_events: int = 0
    reason: str = ""


def step_windows(trace: Trace, name: str = STEP) -> tuple[StepWindow, ...]:
    """The events `name` of the host's threads, in the order of time."""
    found = []
    for line in trace.host.lines if trace.host else ():
        for event in line.events(lambda other: other == name):
            number = event.stat("step_num")
            found.append(
                StepWindow(
                    step_num=number if isinstance(number, int) else None,
                    start_ps=event.start_ps,
                    end_ps=event.end_ps,
                    line_id=line.id,
                )
            )
    return tuple(sorted(found, key=lambda window: window.start_ps))


def host_steps(
    trace: Trace, windows: tuple[StepWindow, ...] | None = None, *, steps_per_window: int = 1
) -> HostSteps:
    """Split the steps in `windows` (found by `step_windows` where None).

    `steps_per_window` is `steps_per_execution`: one window is then so many training steps.
    """
    if windows is None:
        windows = step_windows(trace)
    if trace.host is None or not windows:
        return HostSteps(windows=0, reason=f"the trace holds no `{STEP}` events")
    inside = union(window.interval for window in windows)
    threads = {window.line_id for window in windows}
    model_ids = _ids_run_in(trace.host, threads, inside)
    count = len(windows) * steps_per_window

    def per_step(intervals: list[Interval]) -> float:
        return total(intervals) / PS_PER_S / count

    seen = HostSteps(windows=len(windows), step_s=per_step(inside))
    if not model_ids:
        reason = "no compiled function ran in the traced steps (run_eagerly=True?)"
        return replace(seen, reason=reason)
    read = _read(trace.host, base_ps(trace))
    runs = runs_of((events for _, events in read), base_ps(trace))
    ops, op_events = _model_ops(read, runs, model_ids, inside)
    models = runs.owners(runs.id, model_ids) != NO_ID
    executor = _listed(cover.union(runs.start[models], runs.end[models]), runs.base_ps)
    waits = subtract(intersect(_get_next(trace.host, model_ids, threads), inside), ops)
    calls = intersect(_runtime_calls(trace.host, threads), inside)
    # Without events but with stretches, every operation was a cheap one: that is a figure.
    if not op_events and not intersect(executor, inside):
        reason = "the trace holds no events of the model's operations"
        return replace(seen, input_s=per_step(waits), reason=reason)
    rest = subtract(subtract(inside, ops), waits)
    dispatch = intersect(rest, calls)
    return replace(
        seen,
        ops_s=per_step(ops),
        input_s=per_step(waits),
        dispatch_s=per_step(dispatch),
        bookkeeping_s=per_step(intersect(dispatch, executor)),
        python_s=per_step(subtract(rest, calls)),
        op_events=op_events,
    )


def _ids_run_in(host: Plane, threads: set[int], inside: list[Interval]) -> set[int]:
    """Step ids of the functions that the steps' own thread ran during the steps."""
    return {
        id_
        for line in host.lines
        if line.id in threads
        for event in line.events(lambda name: name == FUNCTION_RUN)
        if contains(inside, event.start_ps) and isinstance(id_ := event.stat("id"), int)
    }


def _read(host: Plane, base: int) -> list[tuple[Line, ThreadEvents]]:
    """The events of every thread that operations and the runs of functions are told by."""
    # XLA's events are called like its instructions: told by their stat, so all are candidates.
    xla = any("hlo_op" in line.stat_names.values() for line in host.lines[:1])
    wanted = _candidate if xla else _run_or_op
    return [
        (line, thread_events(line, base, wanted, mark="hlo_op" if xla else ""))
        for line in host.lines
    ]


def _model_ops(
    read: list[tuple[Line, ThreadEvents]],
    runs: Runs,
    model_ids: set[int],
    inside: list[Interval],
) -> tuple[list[Interval], int]:
    """What the model's operations cover inside the steps, and how many there were."""
    starts, ends = [NONE], [NONE]
    for line, events in read:
        if is_tf_data(line):
            continue
        start, end, id_, by_xla = _ops_of(events)
        # Outside every function's stretch only XLA's operations can be told, by their stat.
        models = np.where(id_ == NO_ID, by_xla, runs.owners(id_, model_ids) != NO_ID)
        starts.append(start[models])
        ends.append(end[models])
    start, end = np.concatenate(starts), np.concatenate(ends)
    begun = sum(
        int(((start >= low - runs.base_ps) & (start < high - runs.base_ps)).sum())
        for low, high in inside
    )
    return intersect(_listed(cover.union(start, end), runs.base_ps), inside), begun


def _listed(found: cover.Cover, base: int) -> list[Interval]:
    """A cover as intervals on the trace's axis."""
    pairs = zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    return [(base + start, base + end) for start, end in pairs]


def _ops_of(events: ThreadEvents) -> tuple[Ints, Ints, Ints, npt.NDArray[np.bool_]]:
    """The operations on a thread: start, end, the step id of the run around it, whether XLA's."""
    process = events.names.index(PROCESS) if PROCESS in events.names else -1
    types = [op_type(name) for name in events.names]
    named = np.array([kind is not None for kind in types], bool)[events.name]
    waits = np.array([kind in _INPUT_OPS for kind in types], bool)[events.name]
    counts = (named | events.marked) & ~waits & (events.name != process)
    around = []
    open_: list[tuple[int, int]] = []
    for name, start, end, id_, _ in events.rows():
        while open_ and open_[-1][0] <= start:
            open_.pop()
        around.append(open_[-1][1] if open_ else NO_ID)
        if name == process and id_ != NO_ID:
            open_.append((end, id_))
    id_ = np.array(around, np.int64)[counts]
    return events.start[counts], events.end[counts], id_, events.marked[counts]


def _run_or_op(name: str) -> bool:
    return runs_or_python(name) or op_type(name) is not None


def _candidate(name: str) -> bool:
    return _run_or_op(name) or "::" not in name


def _get_next(host: Plane, model_ids: set[int], threads: set[int]) -> list[Interval]:
    """When the training function, or the script's own loop, waited for its input."""
    return union(
        (event.start_ps, event.end_ps)
        for line in host.lines
        for event in line.events(
            lambda name: name.startswith("IteratorGetNext") and name.endswith("::DoCompute")
        )
        if event.stat("id") in model_ids or line.id in threads
    )


def _runtime_calls(host: Plane, threads: set[int]) -> list[Interval]:
    """When the steps' thread was inside TensorFlow's runtime, running a compiled function."""
    return union(
        (event.start_ps, event.end_ps)
        for line in host.lines
        if line.id in threads
        for event in line.events(lambda name: name.startswith(_CALLS))
    )
