"""A GPU's figures in a window, against constructions and against arithmetic on sets of points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.schema.trace import Activity, TraceReport
from gputune.trace import xplane
from gputune.trace.columns import base_ps
from gputune.trace.cover import union
from gputune.trace.device import gpu_planes, read_device
from gputune.trace.gpu import streams
from gputune.trace.host import read_host
from gputune.trace.idle import SHORT_GAP_PS
from gputune.trace.measure import activity, measured
from gputune.trace.summary import trace_report
from tests.fixtures import gpu_traces
from tests.fixtures.gpu_traces import NEW_H2D, OLD, GpuTrace

IDLE = ("idle_input_s", "idle_host_s", "idle_kernel_s", "idle_other_s")
NS = 1000


def report(trace: GpuTrace) -> TraceReport:
    content = trace.bytes()
    return trace_report(xplane.parse(content), file="x.xplane.pb", file_bytes=len(content))


def ns(value: float | None) -> int | None:
    return None if value is None else round(value * 1e9)


def idle(one: Activity) -> list[int | None]:
    return [ns(getattr(one, name)) for name in IDLE]


def only_step(trace: GpuTrace) -> Activity:
    (device,) = report(trace).devices
    (step,) = device.steps
    return step


def test_an_input_bound_step_waits_in_get_next() -> None:
    (device,) = report(gpu_traces.input_bound(3)).devices
    assert [step.name for step in device.steps] == ["0", "1", "2"]
    assert device.steps_source == "trace"
    for step in device.steps:
        assert (step.kernel_count, ns(step.kernel_s), ns(step.duration_s)) == (1, 350, 1000)
        assert (ns(step.busy_s), ns(step.idle_s)) == (350, 650)
        assert idle(step) == [600, 50, 0, 0]  # from 600 on the launch at 610 is waited for
        assert (ns(step.launch_delay_median_s), ns(step.kernel_median_s)) == (40, 350)


def test_a_compute_bound_step_has_short_gaps_between_kernels() -> None:
    step = only_step(gpu_traces.compute_bound())
    assert (step.kernel_count, ns(step.kernel_s), ns(step.idle_s)) == (10, 950, 50)
    # The last 5 ns lie behind the last event: nothing says what they wait for.
    assert idle(step) == [0, 0, 45, 5]
    # Kernel n starts at 100 n and was called at n - 50: the middle of ten is 99 x 4.5 + 50.
    assert step.launch_delay_median_s == pytest.approx(495.5e-9)


def test_a_transfer_bound_step_has_exposed_copies() -> None:
    step = only_step(gpu_traces.transfer_bound())
    assert (step.h2d_count, step.h2d_bytes, ns(step.h2d_s)) == (1, 6000, 600)
    assert (ns(step.h2d_exposed_s), ns(step.h2d_overlapped_s)) == (600, 0)
    assert step.h2d_bytes_per_s == pytest.approx(6000 / 600e-9)
    assert (step.h2d_pageable_count, step.h2d_pageable_bytes) == (1, 6000)
    assert (step.h2d_pinned_count, step.h2d_pinned_bytes) == (0, 0)
    assert (step.d2h_count, step.d2h_bytes, ns(step.d2h_exposed_s)) == (1, 80, 10)
    assert (ns(step.busy_s), ns(step.idle_s)) == (1000, 0)


def test_old_files_do_not_tell_the_kind_of_memory() -> None:
    found = report(gpu_traces.transfer_bound(OLD))
    step = found.devices[0].steps[0]
    assert (step.h2d_bytes, step.h2d_pageable_bytes, step.h2d_pinned_count) == (6000, None, None)
    (reason,) = (
        one.reason for one in found.unavailable if one.metric.endswith("h2d_pageable_bytes")
    )
    assert "kind of memory" in reason


def test_a_launch_bound_step_waits_for_the_host() -> None:
    step = only_step(gpu_traces.launch_bound())
    assert (step.kernel_count, ns(step.kernel_s), ns(step.idle_s)) == (10, 100, 900)
    assert idle(step) == [None, 810, 0, 90]  # no GetNext at all: that cannot be told
    assert ns(step.launch_delay_p95_s) == 60


def test_overlapped_copies_are_not_exposed() -> None:
    step = only_step(gpu_traces.overlapped())
    assert (ns(step.h2d_s), ns(step.h2d_exposed_s), ns(step.h2d_overlapped_s)) == (300, 0, 300)
    assert (ns(step.d2h_s), ns(step.d2h_exposed_s), ns(step.d2h_overlapped_s)) == (400, 0, 400)
    assert (step.h2d_pinned_bytes, step.d2h_pageable_bytes) == (3000, 500)
    assert (ns(step.busy_s), ns(step.idle_s)) == (1000, 0)


def test_each_of_eight_gpus_has_its_own_figures() -> None:
    found = report(gpu_traces.eight_gpus())
    assert [device.name for device in found.devices] == [f"/device:GPU:{n}" for n in range(8)]
    idle_one, *working = found.devices
    assert idle_one.steps == ()
    assert (idle_one.capture.kernel_count, idle_one.capture.busy_s) == (0, 0.0)
    assert ns(idle_one.capture.idle_s) == ns(idle_one.capture.duration_s) == 750
    for index, device in enumerate(working, 1):
        (step,) = device.steps
        assert (step.kernel_count, ns(step.kernel_s)) == (2, 100 * index + 50)
        assert (step.collective_count, ns(step.collective_exposed_s)) == (1, 50)
        assert (step.collective_bytes, ns(step.collective_s)) == (None, 50)
        assert ns(step.idle_s) == 950 - 100 * index


def test_streams_that_run_at_once_count_once_as_busy() -> None:
    trace = GpuTrace()
    gpu = trace.gpus[0]
    gpu.kernel(0, 600, stream="Stream #1(Compute)")
    gpu.kernel(200, 1000, stream="Stream #2(Compute)")
    gpu.step("0", 0, 1000)
    (device,) = report(trace).devices
    step = device.steps[0]
    assert (ns(step.kernel_s), ns(step.kernel_busy_s), ns(step.busy_s)) == (1400, 1000, 1000)
    assert [(one.name, one.event_count, ns(one.busy_s)) for one in device.streams] == [
        ("Stream #1(Compute)", 1, 600),
        ("Stream #2(Compute)", 1, 800),
    ]


def test_every_kind_of_copy_is_told_and_hides_the_later_ones() -> None:
    trace = GpuTrace()
    gpu = trace.gpus[0]
    gpu.copy("H2D", 0, 100, NEW_H2D.format(1))
    gpu.copy("D2D", 50, 200, "kind_src:device kind_dst:device size:30 dest:0 async:1")
    gpu.copy("P2P", 150, 300, "kind_src:device kind_dst:device size:40 dest:1 async:1")
    gpu.line("Stream #9(Memset)").event(
        "Memset", 250, 400, memset_details="kind:device num_bytes:64 async:1"
    )
    gpu.copy("Other", 500, 510)
    gpu.step("0", 0, 1000)
    found = report(trace)
    step = found.devices[0].steps[0]
    assert (step.d2d_count, step.d2d_bytes, ns(step.d2d_s), ns(step.d2d_exposed_s)) == (
        1, 30, 150, 100,
    )  # fmt: skip
    assert (step.p2p_count, step.p2p_bytes, ns(step.p2p_s), ns(step.p2p_exposed_s)) == (
        1, 40, 150, 100,
    )  # fmt: skip
    assert (step.memset_count, step.memset_bytes, ns(step.memset_exposed_s)) == (1, 64, 100)
    assert ns(step.busy_s) == 410
    assert any("MemcpyOther" in note for note in found.notes)


def test_a_cuda_graph_is_one_kernel_and_is_said() -> None:
    trace = GpuTrace()
    trace.gpus[0].kernel(0, 400, name="CudaGraphExec:3", cuda_graph_exec_id=3)
    trace.gpus[0].kernel(400, 500)
    found = report(trace)
    whole = found.devices[0].capture
    assert (whole.kernel_count, whole.graph_count, ns(whole.kernel_s)) == (2, 1, 500)
    assert any("CUDA graphs" in note for note in found.notes)


def test_without_correlation_ids_the_host_cannot_be_blamed() -> None:
    trace = GpuTrace()
    gpu = trace.gpus[0]
    gpu.kernel(0, 100)
    gpu.kernel(150, 200)
    gpu.kernel(200 + SHORT_GAP_PS // NS + 1, 30_000)
    found = report(trace)
    whole = found.devices[0].capture
    assert (whole.idle_host_s, whole.launch_delay_median_s) == (None, None)
    assert (ns(whole.idle_kernel_s), ns(whole.idle_other_s)) == (50, SHORT_GAP_PS // NS + 1)
    reasons = {one.metric: one.reason for one in found.unavailable}
    assert "correlation" in reasons["devices[0].idle_host_s"]
    assert "correlation" in reasons["devices[0].launch_delay_median_s"]
    assert "GetNext" in reasons["devices[0].idle_input_s"]


def test_allocations_and_markers_on_a_stream_are_no_work() -> None:
    trace = GpuTrace()
    gpu = trace.gpus[0]
    gpu.kernel(0, 100)
    gpu.line("Stream #1(Compute)").event("MemoryAlloc", 200, 900)
    gpu.line("CUPTI overhead").event("Overhead", 200, 900)
    whole = report(trace).devices[0].capture
    assert (whole.kernel_count, ns(whole.duration_s), ns(whole.busy_s)) == (1, 100, 100)


def test_times_since_1970_stay_exact() -> None:
    trace = GpuTrace(origin_ns=1_795_453_697_447_781_608)
    trace.gpus[0].kernel(1, 4, called=0)
    trace.gpus[0].step("0", 0, 7)
    step = report(trace).devices[0].steps[0]
    assert (ns(step.kernel_s), ns(step.idle_s), ns(step.launch_delay_median_s)) == (3, 4, 1)


def test_shapes_and_names_tell_16_bits_by_time() -> None:
    trace = GpuTrace()
    gpu = trace.gpus[0]
    gpu.kernel(0, 100, name="volta_h884gemm_64x64_ldg8_tn")
    gpu.kernel(100, 150, name="anything", shape="(half[4];half[])")
    gpu.kernel(150, 400, name="anything", shape="(float[4])")
    whole = report(trace).devices[0].capture
    assert whole.compute_16bit_fraction == pytest.approx(150 / 400)
    assert whole.tensor_core_fraction == pytest.approx(100 / 400)


def test_kernels_and_operations_are_ranked_by_their_time() -> None:
    trace = GpuTrace()
    gpu = trace.gpus[0]
    gpu.kernel(0, 10, name="b", tf_op="m/MatMul:MatMul", hlo_op="fusion.1")
    gpu.kernel(10, 40, name="a", hlo_op="fusion.2")
    gpu.kernel(40, 55, name="b", annotation="n/MatMul:MatMul#shape=(float[2])#")
    gpu.kernel(55, 60, name="c")
    (device,) = report(trace).devices
    assert [(one.name, one.count, ns(one.total_s)) for one in device.top_kernels] == [
        ("a", 1, 30), ("b", 2, 25), ("c", 1, 5),
    ]  # fmt: skip
    assert [(one.name, ns(one.total_s), one.fraction) for one in device.top_ops] == [
        ("fusion.2", 30, 0.5), ("n/MatMul:MatMul", 15, 0.25), ("m/MatMul:MatMul", 10, 10 / 60),
    ]  # fmt: skip
    assert [(one.name, one.count, ns(one.total_s)) for one in device.top_op_types] == [
        ("MatMul", 2, 25)
    ]


SPANS = st.tuples(st.integers(0, 60), st.integers(1, 12)).map(lambda at: (at[0], at[0] + at[1]))
KINDS = st.sampled_from(["kernel", "H2D", "D2H", "P2P"])
EVENTS = st.lists(
    st.tuples(KINDS, SPANS, st.integers(-10, 60), st.booleans()), min_size=1, max_size=9
)
WAITS = st.lists(SPANS, max_size=3)
WINDOW = st.tuples(st.integers(-5, 40), st.integers(1, 40)).map(lambda at: (at[0], at[0] + at[1]))


def points(spans: list[tuple[int, int]], window: tuple[int, int]) -> set[int]:
    return {at for start, end in spans for at in range(start, end) if window[0] <= at < window[1]}


@given(EVENTS, WAITS, WINDOW)
def test_any_window_agrees_with_sets_of_points(
    events: list[tuple[str, tuple[int, int], int, bool]],
    waits: list[tuple[int, int]],
    window: tuple[int, int],
) -> None:
    trace, seen = GpuTrace(), {"kernel": [], "H2D": [], "D2H": [], "P2P": []}
    for kind, span, called, second in events:
        seen[kind].append(span)
        if kind == "kernel":
            stream = "Stream #2(Compute)" if second else "Stream #1(Compute)"
            trace.gpus[0].kernel(*span, called=called, stream=stream)
        else:
            trace.gpus[0].copy(kind, *span, called=called, stream="Stream #5(Memcpy)")
    for wait in waits:
        trace.get_next(*wait)
    read = xplane.parse(trace.bytes())
    base = base_ps(read)
    ((index, plane),) = gpu_planes(read)
    axis = (-100 * NS, 200 * NS)
    found = measured(streams(read_device(index, plane, base)), read_host(read, base), axis)
    got = activity(found, (window[0] * NS, window[1] * NS))

    kernels, to, back, peer = (points(spans, window) for spans in seen.values())
    busy = kernels | to | back | peer
    every = set(range(*window))
    assert ns(got.busy_s) == len(busy)
    assert ns(got.kernel_busy_s) == len(kernels)
    assert ns(got.h2d_exposed_s) == len(to - kernels)
    assert ns(got.d2h_exposed_s) == len(back - kernels - to)
    assert ns(got.p2p_exposed_s) == len(peer - kernels - to - back)
    assert got.kernel_count == sum(window[0] <= start < window[1] for start, _ in seen["kernel"])
    assert ns(got.kernel_s) == sum(len(points([span], window)) for span in seen["kernel"])
    assert ns(got.h2d_s) == sum(len(points([span], window)) for span in seen["H2D"])
    if waits:
        assert ns(got.idle_input_s) == len((every - busy) & points(waits, window))
    assert sum(part or 0 for part in idle(got)) == ns(got.idle_s) == len(every - busy)

    # Where the host is to blame: the gap's end was launched in or after its beginning.
    all_busy = points([span for _, span, _, _ in events], (-100, 200))
    late = set()
    for point in every - busy:
        start = max((at + 1 for at in all_busy if at < point), default=-100)
        end = min((at for at in all_busy if at > point), default=None)
        calls = [called for _, span, called, _ in events if span[0] == end]
        if calls and min(calls) >= start:
            late.add(point)
    assert ns(got.idle_host_s) == len(late - points(waits, window))


def test_a_cover_of_nothing_is_no_time() -> None:
    nothing = union(np.empty(0, np.int64), np.empty(0, np.int64))
    assert (len(nothing), nothing.total, nothing.between(0, 9)) == (0, 0, 0)
