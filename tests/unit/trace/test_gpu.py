"""GPU planes: a real trace against its oracle, and constructions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gputune.trace import xplane
from gputune.trace.gpu import GpuStreams, gpu_streams
from tests.fixtures.xplane_writer import Writer

NS = 1000  # picoseconds


@pytest.fixture(scope="module")
def v100(shared: Path) -> tuple[GpuStreams, ...]:
    file = shared / "data" / "gpu_v100x8_bert.xplane.pb"
    if not file.is_file():
        pytest.skip(f"needs {file.name} of the shared material")
    return gpu_streams(xplane.read(file))


def test_gpus_that_did_nothing_are_left_out(v100: tuple[GpuStreams, ...]) -> None:
    assert [gpu.index for gpu in v100] == [1, 4, 6]
    assert [len(gpu.steps) for gpu in v100] == [0, 1, 1]


def ns(seconds: float) -> int:
    return round(seconds * 1e9)


def test_the_whole_capture_agrees_with_the_oracle(v100: tuple[GpuStreams, ...]) -> None:
    gpu = next(gpu for gpu in v100 if gpu.index == 4)
    seen = gpu.activity(gpu.capture)
    assert (seen.kernel_count, ns(seen.kernel_s)) == (665, 14_825_385)
    assert (seen.h2d.count, seen.h2d.bytes, ns(seen.h2d.s)) == (82, 37_447, 158_973)
    assert (seen.d2h.count, seen.d2h.bytes, ns(seen.d2h.s)) == (12, 36_944, 39_456)


def test_the_step_agrees_with_the_oracle(v100: tuple[GpuStreams, ...]) -> None:
    gpu = next(gpu for gpu in v100 if gpu.index == 4)
    (step,) = gpu.steps
    seen = gpu.activity(step)
    assert ns(seen.window_s) == 19_865_491
    assert (seen.h2d.count, ns(seen.h2d.s), ns(seen.h2d.exposed_s)) == (11, 46_335, 22_495)
    assert (seen.d2h.count, ns(seen.d2h.s), ns(seen.d2h.exposed_s)) == (12, 39_456, 23_104)
    assert (ns(seen.busy_s), ns(seen.idle_s)) == (14_870_984, 4_994_507)
    assert "tensorflow" not in sys.modules


def test_no_gpu_plane_is_no_gpu() -> None:
    assert gpu_streams(Writer().trace_of_planes("/host:CPU", "/device:GPU:0")) == ()


def test_what_is_exposed_is_what_nothing_hides() -> None:
    writer = Writer()
    plane = writer.plane("/device:GPU:0")
    mixed = plane.line("Stream #14(MemcpyH2D,Compute)")  # newer drivers mix them
    mixed.event("gemm", 100, 200)
    new = "kind_src:pageable kind_dst:device size:112 dest:0 async:1"
    mixed.event("MemcpyH2D", 50, 150, memcpy_details=new)
    plane.line("Stream #15(MemcpyD2H)").event(
        "MemcpyD2H", 140, 260, memcpy_details=b"size:8 dest:0"
    )
    plane.line("Stream #16(Memset)").event("Memset", 300, 310)
    plane.line("TensorFlow Ops").event("dense/MatMul:MatMul", 0, 500)
    (gpu,) = gpu_streams(writer.trace())
    seen = gpu.activity((0, 400 * NS))
    assert (seen.h2d.count, seen.h2d.bytes) == (1, 112)
    assert (ns(seen.h2d.s), ns(seen.h2d.exposed_s)) == (100, 50)
    assert (seen.d2h.bytes, ns(seen.d2h.s), ns(seen.d2h.exposed_s)) == (8, 120, 60)
    assert (ns(seen.kernel_s), ns(seen.busy_s), ns(seen.idle_s)) == (100, 220, 180)


def test_a_copy_from_the_device_is_hidden_by_one_to_it() -> None:
    writer = Writer()
    plane = writer.plane("/device:GPU:0")
    plane.line("Stream #1(MemcpyH2D)").event("MemcpyH2D", 0, 100, memcpy_details="size:1 dest:0")
    plane.line("Stream #2(MemcpyD2H)").event("MemcpyD2H", 60, 130, memcpy_details="size:1 dest:0")
    (gpu,) = gpu_streams(writer.trace())
    seen = gpu.activity((0, 200 * NS))
    assert (ns(seen.h2d.exposed_s), ns(seen.d2h.exposed_s)) == (100, 30)


def test_copies_are_clipped_to_the_window_and_belong_to_where_they_begin() -> None:
    writer = Writer()
    line = writer.plane("/device:GPU:0").line("Stream #1(MemcpyH2D)")
    line.event("MemcpyH2D", 90, 110, memcpy_details="size:10 dest:0 async:0")
    (gpu,) = gpu_streams(writer.trace())
    first, second = gpu.activity((0, 100 * NS)), gpu.activity((100 * NS, 200 * NS))
    assert [(one.h2d.count, one.h2d.bytes, ns(one.h2d.s)) for one in (first, second)] == [
        (1, 10, 10),
        (0, 0, 10),
    ]


def test_a_copy_that_does_not_tell_its_size_makes_the_bytes_unknown() -> None:
    writer = Writer()
    line = writer.plane("/device:GPU:0").line("Stream #1(MemcpyH2D)")
    line.event("MemcpyH2D", 0, 10, memcpy_details="size:10 dest:0").event("MemcpyH2D", 20, 30)
    (gpu,) = gpu_streams(writer.trace())
    assert gpu.activity((0, 100 * NS)).h2d.bytes is None


def test_the_api_call_on_the_host_is_no_copy() -> None:
    writer = Writer()
    writer.plane("/host:CPU").line("Stream #1(fake)").event("MemcpyH2D", 0, 10)
    assert gpu_streams(writer.trace()) == ()


def test_all_reduce_counts_where_nothing_else_computes() -> None:
    writer = Writer()
    plane = writer.plane("/device:GPU:0")
    plane.line("Stream #1(Compute)").event("gemm", 100, 200)
    plane.line("Stream #2(Compute)").event("ncclDevKernel_AllReduce_Sum_f32_RING_LL", 150, 260)
    (gpu,) = gpu_streams(writer.trace())
    seen = gpu.activity((0, 400 * NS))
    assert ns(seen.all_reduce_s) == 60
    assert ns(seen.kernel_s) == 210
