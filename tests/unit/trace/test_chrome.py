"""The Trace Event format."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from gputune.trace import xplane
from gputune.trace.chrome import write_chrome
from tests.fixtures import gpu_traces
from tests.fixtures.gpu_traces import GpuTrace


def written(trace: GpuTrace, **options: Any) -> list[dict[str, Any]]:
    to = io.StringIO()
    count = write_chrome(xplane.parse(trace.bytes()), to, **options)
    body = json.loads(to.getvalue())
    events = body["traceEvents"]
    assert count == sum(event["ph"] == "X" for event in events)
    return events


def test_every_event_is_there_in_microseconds() -> None:
    trace = GpuTrace(origin_ns=1_795_453_697_447_781_608)
    trace.gpus[0].kernel(1500, 4000, called=7, name='say "hi" µ')
    events = [event for event in written(trace) if event["ph"] == "X"]
    assert [(event["name"], event["ts"], event["dur"]) for event in events] == [
        ('say "hi" µ', 1.5, 2.5),
        ("cuLaunchKernel", 0.007, 0.002),
    ]
    assert [event["args"]["correlation_id"] for event in events] == [1, 1]


def test_times_keep_all_their_digits() -> None:
    trace = GpuTrace()
    trace.gpus[0].kernel(10**12 + 1, 10**12 + 2)
    to = io.StringIO()
    write_chrome(xplane.parse(trace.bytes()), to)
    assert '"ts":1000000000.001,"dur":0.001,' in to.getvalue()


def test_planes_are_processes_and_lines_are_threads_by_name() -> None:
    events = written(gpu_traces.transfer_bound())
    named = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events
        if event["name"] in ("process_name", "thread_name")
    }
    shown = {
        (named[event["pid"], 0], named[event["pid"], event["tid"]], event["name"])
        for event in events
        if event["ph"] == "X"
    }
    assert shown == {
        ("/device:GPU:0", "Stream #1(Compute)", "gemm"),
        ("/device:GPU:0", "Stream #2(MemcpyH2D)", "MemcpyH2D"),
        ("/device:GPU:0", "Stream #3(MemcpyD2H)", "MemcpyD2H"),
        ("/device:GPU:0", "Steps", "0"),
        ("/host:CPU", "python", "cuLaunchKernel"),
        ("/host:CPU", "python", "cuMemcpyAsync"),
    }


def test_what_a_copy_tells_is_with_it() -> None:
    events = written(gpu_traces.transfer_bound())
    (copy,) = (event for event in events if event["name"] == "MemcpyH2D")
    assert copy["args"]["memcpy_details"] == gpu_traces.NEW_H2D.format(6000)


def test_the_hosts_threads_can_be_left_out() -> None:
    events = written(gpu_traces.transfer_bound(), host=False)
    assert not any(event["name"] == "cuLaunchKernel" for event in events)
    assert any(event["name"] == "gemm" for event in events)


@pytest.mark.parametrize("host", [True, False])
def test_a_trace_without_events_is_an_empty_list(host: bool) -> None:
    assert written(GpuTrace(), host=host) == []
