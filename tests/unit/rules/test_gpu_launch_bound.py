from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules import host_bound
from gputune.rules.engine import find
from gputune.rules.gpu import launch_bound
from gputune.schema.conditions import LOSS_SELDOM
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import DeviceActivity
from gputune.schema.profile import Breakdown, Host, Profile, WhatIf
from tests.unit.rules.profiles import FIT, activity, on_gpu, profile, setting, steps


def launching(launch_s: float | None, **more: Any) -> Profile:
    parts = {"launch_s": launch_s, **more.pop("parts", {})}
    return on_gpu(parts=parts, **more)


def only(profile: Profile) -> Finding:
    (finding,) = launch_bound.findings(profile)
    return finding


@pytest.mark.parametrize(
    ("launch_s", "severity"),
    [
        (0.00299, None),
        (0.003, Severity.NOTE),
        (0.00499, Severity.NOTE),
        (0.00501, Severity.WARNING),
        (0.01499, Severity.WARNING),
        (0.015, Severity.PROBLEM),
        (None, None),
    ],
)
def test_launches_matter_from_3_and_5_and_15_percent_of_the_step(
    launch_s: float | None, severity: Severity | None
) -> None:
    found = list(launch_bound.findings(launching(launch_s)))
    assert [f.severity for f in found] == ([severity] if severity else [])


def test_on_a_cpu_dispatch_is_no_launch() -> None:
    cpu = profile(breakdown=Breakdown(device="cpu", device_compute_s=0.05, launch_s=0.05))
    assert list(launch_bound.findings(cpu)) == []
    assert list(launch_bound.findings(profile(breakdown=None))) == []


def kernels(**more: Any) -> tuple[DeviceActivity, ...]:
    fields = {"kernels_per_step": 1200.0, "kernel_median_s": 8e-6}
    return (activity(**{**fields, **more}),)


def test_the_evidence_carries_the_figures() -> None:
    price = WhatIf(condition=LOSS_SELDOM, step_s=0.081, speedup=1.2, basis="model: of it")
    device = kernels(launch_delay_median_s=42e-6, idle_host_fraction=0.17, idle_gaps_fraction=0.03)
    finding = only(launching(0.02, device_activity=device, what_if=(price,)))
    assert finding.title.startswith("20% of each step the GPU has nothing to run")
    assert finding.evidence == (
        "of a step of 100 ms the GPU waits 20 ms for work to be launched",
        "a step runs 1200 kernels of 8 µs (median): so short a kernel is over before the host has "
        "launched the next",
        "a kernel starts 42 µs after its launch (median, the time in the queue included)",
        "in the traced steps the GPU waits 17% for the host, and 3% are gaps between kernels in "
        "the queue",
        "with 32 steps a call a step would take 81 ms (model: of it)",
    )
    assert finding.site == FIT


@pytest.mark.parametrize(("median_s", "short"), [(19.9e-6, True), (20e-6, False), (None, False)])
def test_only_kernels_below_20_microseconds_are_called_short(
    median_s: float | None, short: bool
) -> None:
    finding = only(launching(0.02, device_activity=kernels(kernel_median_s=median_s)))
    assert ("so short a kernel" in finding.evidence[1]) is short
    # Short kernels are best fused; long ones wait between the steps.
    assert finding.remedy.startswith("Pass jit_compile=True") is short


def test_what_is_set_already_is_not_recommended() -> None:
    config = (setting("jit_compile", True),)
    found = launching(0.02, config=config, steps=steps(steps_per_execution=8))
    assert only(found).remedy == (
        "A larger batch gives each kernel more to do, and changes training."
    )


def test_a_loop_written_by_hand_is_told_of_its_own_function() -> None:
    remedy = only(launching(0.02, style="loop")).remedy
    assert "to compile" not in remedy and "jit_compile=True to the step's @tf.function" in remedy


@pytest.mark.parametrize(
    ("delay_s", "idle", "cpu", "expected"),
    [
        (100e-6, 0.15, None, True),
        (99e-6, 0.15, None, False),
        (100e-6, 0.149, None, False),  # The time in the queue of a busy GPU.
        (None, None, 80.0, True),
        (None, None, 79.9, False),
    ],
)
def test_private_threads_are_recommended_where_launches_are_held_up(
    delay_s: float | None, idle: float | None, cpu: float | None, expected: bool
) -> None:
    device = kernels(launch_delay_median_s=delay_s, idle_host_fraction=idle)
    found = launching(0.02, device_activity=device, host=Host(cpu_percent=cpu))
    assert ("TF_GPU_THREAD_MODE=gpu_private" in only(found).remedy) is expected
    environment = replace(found.environment, variables=(("TF_GPU_THREAD_MODE", "gpu_private"),))
    assert "TF_GPU_THREAD_MODE" not in only(replace(found, environment=environment)).remedy


def test_eager_training_is_left_to_its_own_rule() -> None:
    found = launching(0.05, config=(setting("run_eagerly", True),))
    assert list(launch_bound.findings(found)) == []


def small(launch_s: float, python_s: float) -> Profile:
    """A step of 1 ms on a GPU."""
    parts = Breakdown(
        device="gpu", launch_s=launch_s, python_s=python_s,
        device_compute_s=0.001 - launch_s - python_s,
    )  # fmt: skip
    return on_gpu(steps=steps(0.001), breakdown=parts)


@pytest.mark.parametrize(
    ("launch_s", "python_s", "expected"),
    [
        (0.0003, 0.0003, "launch-bound"),
        (0.0003, 0.00031, "host-bound"),
        (0.0004, 0.0, "launch-bound"),
        (0.0, 0.0004, "host-bound"),
    ],
)
def test_the_larger_of_launches_and_python_speaks_alone(
    launch_s: float, python_s: float, expected: str
) -> None:
    found = find(small(launch_s, python_s))
    assert [f.id for f in found if f.id in ("launch-bound", "host-bound")] == [expected]


def test_python_between_long_steps_does_not_hide_the_launches() -> None:
    found = launching(0.02, parts={"python_s": 0.03})
    assert [f.id for f in find(found)] == ["launch-bound"]


def test_on_a_gpu_the_host_is_said_to_be_waited_for() -> None:
    (finding,) = host_bound.findings(small(0.0002, 0.0003))
    assert finding.title == "50% of each step the GPU waits for Python and for launches."
    assert (
        "waits for launches for 0.2 ms and for Python with the callbacks 0.3 ms"
        in (finding.evidence[0])
    )


@pytest.mark.parametrize(
    ("launch_s", "expected"),
    [(0.004, "waits-for-loss"), (0.006, "launch-bound"), (0.02, "launch-bound")],
)
def test_the_wait_for_the_loss_is_not_said_beside_the_launches(
    launch_s: float, expected: str
) -> None:
    price = WhatIf(condition=LOSS_SELDOM, step_s=0.08, speedup=1.25, basis="model")
    assert [f.id for f in find(launching(launch_s, what_if=(price,)))] == [expected]
