from __future__ import annotations

from dataclasses import replace

from gputune.report.over_time import bands, memory, running
from gputune.schema.profile import Series
from tests.unit.report import sample


def test_each_curve_finds_its_panel() -> None:
    profile = sample.watched_profile()
    steps, cpu, gpu = running(profile)
    assert (steps.title, steps.rule) == ("time of a step", 0.0214)
    assert cpu.title == "CPU of 16 cores"
    assert [curve.label for curve in cpu.curves] == ["all processes", "the script"]
    assert [curve.label for curve in gpu.curves] == ["GPU 0 busy", "GPU 1 busy"]
    assert [graph.title for graph in memory(profile)] == [
        "memory of the script", "GPU memory used", "GPU power"
    ]  # fmt: skip


def test_a_curve_that_is_not_known_is_drawn_under_its_name() -> None:
    series = Series(name="disk.read_bytes_per_s", t_s=(0.0, 1.0), value=(1e6, 2e6))
    (graph,) = running(replace(sample.cpu_profile(), series=(series,)))
    assert graph.title == "disk.read_bytes_per_s"
    assert graph.text(2e6) == "2 MB/s"


def test_the_phases_are_in_the_order_of_time() -> None:
    found = bands(sample.watched_profile())
    assert [band.name for band in found] == [
        "warmup", "clean", "trace", "held", "real", "held", "real", "drain"
    ]  # fmt: skip
