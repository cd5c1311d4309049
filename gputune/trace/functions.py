"""Which runs of TensorFlow functions in a host trace are tf.data's own, and where they ran.

Every run of a function has a step id. It stands as stat `id` on the event that starts the run
(`InstantiatedCapturedFunction::Run…` for tf.data's functions, `FunctionRun` for all) and on every
`ExecutorState::Process`, the stretch in which one thread works on that run. So a run can be
followed over threads by its id, whatever the threads are called.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gputune.trace.cover import NONE, Ints
from gputune.trace.intervals import Interval
from gputune.trace.threads import NO_ID, ThreadEvents, thread_events
from gputune.trace.xplane import Line, Plane

CAPTURED = "InstantiatedCapturedFunction::"
PROCESS = "ExecutorState::Process"
FUNCTION_RUN = "FunctionRun"
# `layer/Op:Type`: one colon, no blank in the type (`EagerLocalExecute: X` is none).
_OP = re.compile(r"(?:^|[^:]):(_?[A-Z][A-Za-z0-9_>]*)$")
PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})


@lru_cache(maxsize=2**16)
def op_type(event_name: str) -> str | None:
    """The type of the operation that an event `name:Type` is the execution of, or None."""
    if event_name.startswith("Iterator::"):
        return None
    match = _OP.search(event_name)
    return match.group(1) if match else None


def is_tf_data(line: Line) -> bool:
    """Whether a line is a thread of tf.data's own."""
    return line.name.startswith("tf_data_")


@dataclass(frozen=True, slots=True)
class Run:
    """One stretch of a function's run on one thread, in picoseconds on the trace's axis."""

    id: int
    interval: Interval
    python: bool
    """Whether the stretch holds an operation that runs Python."""


@dataclass(frozen=True)
class Runs:
    """All stretches of function runs, thread by thread, and which run was called by which.

    The columns are of the same length; times are picoseconds from `base_ps`.
    """

    base_ps: int
    id: Ints
    start: Ints
    end: Ints
    python: npt.NDArray[np.bool_]
    caller: dict[int, int]

    def owners(self, ids: Ints, among: Container[int]) -> Ints:
        """For each of `ids` itself, or the nearest run that called it, that is `among`; or NO_ID.

        Every id is followed to its owner once, so that this is linear in their number.
        """
        different, place = np.unique(ids, return_inverse=True)
        known: dict[int, int] = {}
        found = [self._owner(id_, among, known) for id_ in different.tolist()]
        return np.array(found, np.int64)[place] if found else NONE

    def _owner(self, id_: int, among: Container[int], known: dict[int, int]) -> int:
        passed: list[int] = []
        while id_ not in known:
            known[id_] = id_ if id_ in among else NO_ID  # NO_ID also ends a circle
            passed.append(id_)
            if known[id_] != NO_ID or id_ not in self.caller:
                break
            id_ = self.caller[id_]
        for one in passed:
            known[one] = known[id_]
        return known[id_]


def function_runs(host: Plane, base_ps: int = 0) -> Runs:
    """Every function run in the host plane."""
    return runs_of((thread_events(line, base_ps, runs_or_python) for line in host.lines), base_ps)


def runs_of(threads: Iterable[ThreadEvents], base_ps: int) -> Runs:
    """Every function run in the events of threads, of which other events are left out."""
    caller: dict[int, int] = {}
    parts = [_walk(events, caller) for events in threads]
    columns = zip(*parts, strict=True) if parts else ((NONE,),) * 3 + ((NONE > 0,),)
    id_, start, end, python = (np.concatenate(column) for column in columns)
    return Runs(base_ps, id_, start, end, python, caller)


def captured_runs(host: Plane, base_ps: int = 0) -> dict[int, list[Run]]:
    """The stretches of all of tf.data's function runs, by step id.

    A function that a captured function calls runs under an id of its own; its stretches are
    given to the captured function that called it.
    """
    captured: set[int] = set()
    for line in host.lines:
        found = thread_events(line, base_ps, lambda name: name.startswith(CAPTURED))
        captured.update(found.id.tolist())
    captured.discard(NO_ID)
    if not captured:
        return {}
    seen = function_runs(host, base_ps)
    owner = seen.owners(seen.id, captured)
    runs: dict[int, list[Run]] = {}
    for at in np.flatnonzero(owner != NO_ID).tolist():
        interval = (base_ps + int(seen.start[at]), base_ps + int(seen.end[at]))
        run = Run(int(seen.id[at]), interval, bool(seen.python[at]))
        runs.setdefault(int(owner[at]), []).append(run)
    return runs


def runs_or_python(name: str) -> bool:
    """Whether the runs of functions can be told only with events of this name."""
    return name in (PROCESS, FUNCTION_RUN) or op_type(name) in PYTHON_OPS


def _walk(
    events: ThreadEvents, caller: dict[int, int]
) -> tuple[Ints, Ints, Ints, npt.NDArray[np.bool_]]:
    """The stretches on one thread: ids, starts, ends, Python; and who called whom inside them."""
    process, function = (
        events.names.index(name) if name in events.names else -1 for name in (PROCESS, FUNCTION_RUN)
    )
    stretches = (events.name == process) & (events.id != NO_ID)
    others = {at for at, name in enumerate(events.names) if not runs_or_python(name)}
    runs_python: set[int] = set()
    count = 0
    open_: list[tuple[int, int, int]] = []  # id, end, position among the stretches
    for name, start, end, id_, _ in events.rows():
        if name in others:
            continue
        while open_ and open_[-1][1] <= start:
            open_.pop()
        if name not in (process, function):
            if open_:
                runs_python.add(open_[-1][2])
            continue
        if id_ == NO_ID:
            continue
        if open_ and open_[-1][0] != id_:
            caller.setdefault(id_, open_[-1][0])
        if name == process:
            open_.append((id_, end, count))
            count += 1
    python = np.zeros(count, bool)
    python[list(runs_python)] = True
    return events.id[stretches], events.start[stretches], events.end[stretches], python
