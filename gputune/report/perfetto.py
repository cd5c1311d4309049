"""A profile's run over time in the Trace Event format, which Perfetto opens.

The phases are slices, the curves are counters, all on the axis of the training, in microseconds.
The single operations of the traced steps are not in a profile: `gputune profile --chrome` writes
those, while the trace is there. Format: "Trace Event Format", Google, 2016 (`X`, `C`, `M`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from gputune.report.literal import literal
from gputune.report.rows import finite
from gputune.schema.profile import Profile

_US: Final = 1e6
_PID: Final = 1


def render_perfetto(profile: Profile) -> str:
    """Return the JSON text; its only events are names where the profile has no phases or curves."""
    body = {"displayTimeUnit": "ms", "traceEvents": list(_events(profile))}
    return json.dumps(body, allow_nan=False) + "\n"


def _events(profile: Profile) -> Iterator[dict[str, Any]]:
    yield _named("process_name", f"gputune: {literal(profile.script)}")
    yield _named("thread_name", "phases")
    for phase in profile.phases:
        for begin_s, end_s in phase.spans_s:
            yield {
                "ph": "X", "pid": _PID, "tid": 1, "name": literal(phase.name),
                "ts": begin_s * _US, "dur": (end_s - begin_s) * _US,
                "args": {"step_s": finite(phase.step_s), "note": literal(phase.note)},
            }  # fmt: skip
    for series in profile.series:
        for t_s, value in zip(series.t_s, series.value, strict=False):
            if finite(t_s) is not None and finite(value) is not None:
                yield {
                    "ph": "C", "pid": _PID, "name": literal(series.name), "ts": t_s * _US,
                    "args": {"value": value},
                }  # fmt: skip


def _named(what: str, name: str) -> dict[str, Any]:
    return {"ph": "M", "pid": _PID, "tid": 1, "name": what, "args": {"name": name}}
