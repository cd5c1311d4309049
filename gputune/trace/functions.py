"""Which runs of TensorFlow functions in a host trace are tf.data's own, and where they ran.

Every run of a function has a step id. It stands as stat `id` on the event that starts the run
(`InstantiatedCapturedFunction::Run…` for tf.data's functions, `FunctionRun` for all) and on every
`ExecutorState::Process`, the stretch in which one thread works on that run. So a run can be
followed over threads by its id, whatever the threads are called.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from gputune.trace.intervals import Interval
from gputune.trace.xplane import Line, Plane

CAPTURED = "InstantiatedCapturedFunction::"
PROCESS = "ExecutorState::Process"
FUNCTION_RUN = "FunctionRun"
# `layer/Op:Type`: one colon, no blank in the type (`EagerLocalExecute: X` is none).
_OP = re.compile(r"(?:^|[^:]):(_?[A-Z][A-Za-z0-9_>]*)$")
PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})


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
    """One stretch of a function's run on one thread, in picoseconds."""

    id: int
    interval: Interval
    python: bool
    """Whether the stretch holds an operation that runs Python."""


@dataclass(frozen=True, slots=True)
class Runs:
    """All stretches of function runs, thread by thread, and which run was called by which."""

    stretches: list[Run]
    caller: dict[int, int]

    def owner(self, id_: int, among: Container[int]) -> int | None:
        """`id_`, or the nearest run that called it, that is `among`; None where none is."""
        seen: set[int] = set()
        while id_ not in among:
            if id_ in seen or id_ not in self.caller:
                return None
            seen.add(id_)
            id_ = self.caller[id_]
        return id_


def function_runs(host: Plane) -> Runs:
    """Every function run in the host plane."""
    runs = Runs([], {})
    for line in host.lines:
        _walk(line, runs)
    return runs


def captured_runs(host: Plane) -> dict[int, list[Run]]:
    """The stretches of all of tf.data's function runs, by step id.

    A function that a captured function calls runs under an id of its own; its stretches are
    given to the captured function that called it.
    """
    captured = {
        id_
        for line in host.lines
        for event in line.events(lambda name: name.startswith(CAPTURED))
        if isinstance(id_ := event.stat("id"), int)
    }
    if not captured:
        return {}
    found = function_runs(host)
    runs: dict[int, list[Run]] = {}
    for stretch in found.stretches:
        owner = found.owner(stretch.id, captured)
        if owner is not None:
            runs.setdefault(owner, []).append(stretch)
    return runs


def _walk(line: Line, runs: Runs) -> None:
    """Collect the stretches on one thread, and who called whom inside them."""
    events = sorted(
        line.events(lambda name: name in {PROCESS, FUNCTION_RUN} or op_type(name) in PYTHON_OPS),
        key=lambda event: (event.start_ps, -event.end_ps),
    )
    stretches = runs.stretches
    open_: list[tuple[int, int, int]] = []  # id, end, position in `stretches`
    for event in events:
        while open_ and open_[-1][1] <= event.start_ps:
            open_.pop()
        if event.name not in {PROCESS, FUNCTION_RUN}:
            if open_:
                at = open_[-1][2]
                stretches[at] = Run(stretches[at].id, stretches[at].interval, True)
            continue
        id_ = event.stat("id")
        if not isinstance(id_, int):
            continue
        if open_ and open_[-1][0] != id_:
            runs.caller.setdefault(id_, open_[-1][0])
        if event.name == PROCESS:
            open_.append((id_, event.end_ps, len(stretches)))
            stretches.append(Run(id_, (event.start_ps, event.end_ps), False))
