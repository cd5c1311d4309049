"""A trace whose figures follow from its construction, through to the Profile's record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gputune.analysis.device_activity import device_activity
from gputune.analysis.run import FitRun
from gputune.api.tracing import trace_facts
from gputune.schema.gpu import DeviceActivity
from tests.fixtures.gpu_traces import NEW_H2D, NEW_H2D_PINNED, GpuTrace, input_bound


def read(tmp_path: Path, trace: GpuTrace, **begin: Any) -> tuple[DeviceActivity, ...]:
    folder = tmp_path / "plugins" / "profile" / "run"
    folder.mkdir(parents=True)
    (folder / "host.xplane.pb").write_bytes(trace.bytes())
    fit = FitRun(number=1, begin=begin, trace={"logdir": str(tmp_path)})
    facts = trace_facts(fit)
    return device_activity(facts.activities, facts.steps)


def stepped(trace: GpuTrace, steps: int, length: int = 1000) -> GpuTrace:
    for number in range(steps):
        at = number * length
        trace.python.event("gputune_step", at, at + length, step_num=number)
    return trace


def test_an_input_bound_gpu_waits_for_the_input(tmp_path: Path) -> None:
    """Steps of 1000: GetNext for 600, the launch at 610, the kernel from 650 to 1000."""
    (found,) = read(tmp_path, stepped(input_bound(3), 3))
    assert found.busy_fraction == pytest.approx(0.35)
    assert found.idle_fraction == pytest.approx(0.65)
    assert found.idle_input_fraction == pytest.approx(0.60)
    parts = (
        found.idle_input_fraction, found.idle_host_fraction, found.idle_gaps_fraction,
        found.idle_other_fraction,
    )  # fmt: skip
    assert sum(part or 0.0 for part in parts) == pytest.approx(0.65)
    assert found.kernels_per_step == 1
    assert found.kernel_median_s == pytest.approx(350e-9)
    assert found.launch_delay_median_s == pytest.approx(40e-9)
    assert found.pageable_fraction is None, "nothing was copied"


def test_steps_of_one_call_are_counted_each(tmp_path: Path) -> None:
    (found,) = read(tmp_path, stepped(input_bound(3), 3), steps_per_execution=4)
    assert found.kernels_per_step == pytest.approx(1 / 4)


def test_pageable_bytes_are_a_share_of_what_went_to_the_device(tmp_path: Path) -> None:
    trace = GpuTrace()
    trace.gpus[0].copy("H2D", 0, 300, NEW_H2D.format(3000))
    trace.gpus[0].copy("H2D", 300, 400, NEW_H2D_PINNED.format(1000))
    trace.gpus[0].kernel(400, 1000, called=10)
    (found,) = read(tmp_path, stepped(trace, 1))
    assert found.pageable_fraction == pytest.approx(0.75)
    assert found.busy_fraction == pytest.approx(1.0)


def test_each_gpu_that_worked_has_its_own(tmp_path: Path) -> None:
    trace = GpuTrace(gpus=3)
    trace.gpus[0].kernel(0, 200, called=-5)
    trace.gpus[2].kernel(0, 800, called=-5)
    found = read(tmp_path, stepped(trace, 1))
    assert [(one.index, one.busy_fraction) for one in found] == [
        (0, pytest.approx(0.2)),
        (2, pytest.approx(0.8)),
    ]


def test_what_lies_outside_of_the_steps_does_not_count(tmp_path: Path) -> None:
    trace = GpuTrace()
    trace.gpus[0].kernel(-500, 100, called=-600)
    trace.gpus[0].kernel(900, 5000, called=-600)
    (found,) = read(tmp_path, stepped(trace, 1))
    assert found.busy_fraction == pytest.approx(0.2)


def test_a_trace_of_the_host_alone_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, stepped(GpuTrace(gpus=0), 2)) == ()
