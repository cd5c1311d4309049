"""The report of whole traces: the oracle of a real one, and what is said where figures lack."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gputune.schema.trace import TraceDevice, TraceReport
from gputune.trace import xplane
from gputune.trace.summary import trace_report
from tests.fixtures import gpu_traces
from tests.fixtures.gpu_traces import GpuTrace
from tests.fixtures.xplane_writer import Writer
from tests.unit.trace.traces import FOLDER


def of_bytes(content: bytes) -> TraceReport:
    return trace_report(xplane.parse(content), file="x/vm.xplane.pb", file_bytes=len(content))


def reasons(report: TraceReport) -> dict[str, str]:
    return {one.metric: one.reason for one in report.unavailable}


def ns(value: float) -> int:
    return round(value * 1e9)


@pytest.fixture(scope="module")
def v100(shared: Path) -> TraceReport:
    file = shared / "data" / "gpu_v100x8_bert.xplane.pb"
    if not file.is_file():
        pytest.skip(f"needs {file.name} of the shared material")
    return of_bytes(file.read_bytes())


@pytest.fixture(scope="module")
def gpu4(v100: TraceReport) -> TraceDevice:
    return v100.devices[4]


def test_every_gpu_of_the_real_trace_is_there(v100: TraceReport) -> None:
    assert [device.name for device in v100.devices] == [f"/device:GPU:{n}" for n in range(8)]
    assert [len(device.steps) for device in v100.devices] == [0, 0, 0, 0, 1, 0, 1, 0]
    for index in (0, 2, 3, 5, 7):
        device = v100.devices[index]
        counts = (device.capture.kernel_count, device.capture.h2d_count, device.capture.d2h_count)
        assert (counts, device.capture.busy_s, device.streams) == ((0, 0, 0), 0.0, ())
        assert reasons(v100)[f"devices[{index}]"] == "the GPU did nothing in the trace"


def test_the_capture_of_the_real_trace_is_the_oracles(gpu4: TraceDevice) -> None:
    seen = gpu4.capture
    assert (seen.kernel_count, ns(seen.kernel_s)) == (665, 14_825_385)
    assert (seen.h2d_count, seen.h2d_bytes, ns(seen.h2d_s)) == (82, 37_447, 158_973)
    assert (seen.d2h_count, seen.d2h_bytes, ns(seen.d2h_s)) == (12, 36_944, 39_456)


def test_the_step_of_the_real_trace_is_the_oracles(gpu4: TraceDevice) -> None:
    (step,) = gpu4.steps
    assert (ns(step.duration_s), gpu4.steps_source) == (19_865_491, "trace")
    assert (step.kernel_count, ns(step.kernel_s)) == (665, 14_825_385)
    assert (step.h2d_count, ns(step.h2d_s), ns(step.h2d_exposed_s)) == (11, 46_335, 22_495)
    assert (step.d2h_count, ns(step.d2h_s), ns(step.d2h_exposed_s)) == (12, 39_456, 23_104)
    assert (ns(step.busy_s), ns(step.idle_s)) == (14_870_984, 4_994_507)
    # 19,865,491 - 14,870,984 is split without a remainder.
    parts = (step.idle_input_s, step.idle_host_s, step.idle_kernel_s, step.idle_other_s)
    assert None not in parts
    assert sum(ns(part) for part in parts) == 4_994_507


def test_the_real_traces_kernels_are_in_16_bits_and_on_no_tensor_core(gpu4: TraceDevice) -> None:
    assert gpu4.steps[0].compute_16bit_fraction > 0.99
    assert gpu4.steps[0].tensor_core_fraction == 0.0
    assert [(one.name, one.count) for one in gpu4.top_op_types[:2]] == [
        ("Cast", 392),
        ("RandomUniform", 97),
    ]
    assert sum(one.fraction for one in gpu4.top_op_types) == pytest.approx(1, abs=0.01)
    assert gpu4.compute_capability == "7.0"


def test_the_real_trace_tells_no_kind_of_memory(v100: TraceReport) -> None:
    assert v100.devices[4].steps[0].h2d_pageable_bytes is None
    assert "kind of memory" in reasons(v100)["devices[4].h2d_pageable_bytes"]
    assert v100.host.name == "34.83.195.179:6003" and v100.host.event_count == 15_354
    assert "tensorflow" not in sys.modules


def test_a_step_without_a_line_of_its_own_is_the_hosts_marker() -> None:
    trace = GpuTrace()
    trace.python.event("train", 0, 100, step_num=7).event("train", 100, 210, step_num=8)
    trace.python.event("other", 0, 50, step_num=1)
    trace.gpus[0].kernel(10, 60, called=5)
    trace.gpus[0].kernel(120, 200, called=110)
    report = of_bytes(trace.bytes())
    (device,) = report.devices
    assert device.steps_source == "host markers"
    assert [(one.name, ns(one.duration_s), one.kernel_count) for one in device.steps] == [
        ("7", 100, 1),
        ("8", 110, 1),
    ]
    assert any("host's markers" in note for note in report.notes)


def test_markers_that_overlap_are_not_two_steps() -> None:
    trace = GpuTrace()
    trace.python.event("train", 0, 100, step_num=1).event("train", 50, 150, step_num=1)
    trace.gpus[0].kernel(10, 60)
    (device,) = of_bytes(trace.bytes()).devices
    assert [ns(one.duration_s) for one in device.steps] == [100]


def test_without_markers_a_step_goes_from_get_next_to_get_next() -> None:
    trace = GpuTrace()
    for at in range(0, 400, 100):
        trace.get_next(at, at + 10)
        trace.gpus[0].kernel(at + 20, at + 50)
    report = of_bytes(trace.bytes())
    (device,) = report.devices
    assert device.steps_source == "GetNext"
    assert [(one.kernel_count, ns(one.duration_s)) for one in device.steps] == [(1, 100)] * 3
    assert any("marks no steps" in note for note in report.notes)


def test_get_next_calls_of_several_gpus_are_no_steps() -> None:
    trace = GpuTrace(gpus=2)
    for at in range(0, 400, 100):
        trace.get_next(at, at + 10)
        for gpu in trace.gpus:
            gpu.kernel(at + 20, at + 50)
    report = of_bytes(trace.bytes())
    assert [device.steps for device in report.devices] == [(), ()]
    assert "several GPUs" in reasons(report)["devices[1].steps"]


def test_a_trace_without_steps_has_its_capture_and_a_reason() -> None:
    trace = GpuTrace()
    trace.gpus[0].kernel(5, 25)
    report = of_bytes(trace.bytes())
    (device,) = report.devices
    assert (device.steps, device.steps_source) == ((), None)
    assert ns(device.capture.duration_s) == 20
    assert "no markers" in reasons(report)["devices[0].steps"]


@pytest.mark.parametrize("build", [gpu_traces.input_bound, gpu_traces.eight_gpus])
def test_the_launches_may_stand_on_a_plane_of_cupti(build) -> None:
    trace = build()
    before = of_bytes(trace.bytes())
    trace.host._plane.name = "/host:CUPTI"
    after = of_bytes(trace.bytes())
    assert after.devices == before.devices


def test_the_verdict_names_the_largest_loss() -> None:
    assert "waiting for the input, 60.0%" in of_bytes(gpu_traces.input_bound().bytes()).verdict
    assert "host to launch" in of_bytes(gpu_traces.launch_bound().bytes()).verdict
    assert "copies to the device" in of_bytes(gpu_traces.transfer_bound().bytes()).verdict
    assert "1 of 8 GPUs did nothing" in of_bytes(gpu_traces.eight_gpus().bytes()).verdict


def test_the_profilers_own_words_are_notes() -> None:
    trace = gpu_traces.overlapped()
    trace.writer.space.warnings.append("3 events dropped")
    trace.writer.space.errors.append("no CUPTI")
    trace.writer.space.hostnames.append("node7")
    report = of_bytes(trace.bytes())
    assert report.notes[:2] == (
        "error of the profiler: no CUPTI",
        "warning of the profiler: 3 events dropped",
    )
    assert report.host.name == "node7"


def test_the_host_alone_is_shown_where_no_gpu_is_in_the_trace() -> None:
    content = (FOLDER / "slow_source.xplane.pb").read_bytes()
    report = trace_report(xplane.parse(content), file="vm.xplane.pb", file_bytes=len(content))
    assert report.devices == ()
    assert "no GPU" in reasons(report)["devices"] and "no GPU" in report.notes[0]
    assert (report.host.name, report.host.step.count) == ("vm", 3)
    assert report.host.step.input_s > 0.5 * report.host.step.step_s  # a sleep feeds it
    assert [stage.op for stage in report.host.pipeline][-1] == "Range"
    assert report.host.get_next_count == 3


def test_an_empty_host_and_a_gpu_that_did_nothing_are_said() -> None:
    writer = Writer()
    writer.plane("/device:GPU:0")
    report = of_bytes(writer.bytes())
    assert report.verdict == "none of the 1 GPUs in the trace did anything"
    assert "holds no events" in reasons(report)["host"]
    assert report.devices[0].capture.duration_s == 0


def test_times_that_do_not_fit_are_refused() -> None:
    trace = GpuTrace()
    trace.gpus[0].kernel(0, 10, called=0)
    trace.gpus[0].plane._plane.lines[0].timestamp_ns = 2**62
    with pytest.raises(xplane.UnreadableTrace, match="no times"):
        of_bytes(trace.bytes())


def test_damage_inside_a_line_is_refused() -> None:
    content = bytearray(gpu_traces.compute_bound().bytes())
    at = content.index(b"Stream #1")
    broken = content[:at] + content[at:].replace(b"\x22", b"\x22", 1)
    # The first event's first field gets the number 0.
    event = broken.index(b"\x22", at)
    broken[event + 2] = 0x00
    with pytest.raises(xplane.UnreadableTrace):
        of_bytes(bytes(broken))
