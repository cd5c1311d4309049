from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules import setup
from gputune.rules.gpu import condition
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import Throttle
from gputune.schema.profile import Profile
from tests.unit.rules.profiles import gpu, on_gpu, profile


def throttled(*reasons: tuple[str, float], **more: Any) -> list[Finding]:
    held = tuple(Throttle(name=name, fraction=fraction) for name, fraction in reasons)
    return list(condition.findings(on_gpu(gpus=(gpu(throttled=held, **more),))))


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("hw thermal slowdown", Severity.WARNING),
        ("sw thermal slowdown", Severity.WARNING),
        ("hw slowdown", Severity.WARNING),
        ("hw power brake slowdown", Severity.WARNING),
        ("sw power cap", Severity.NOTE),
        ("applications clocks setting", None),
        ("sync boost", None),
    ],
)
def test_heat_and_slow_down_are_warnings_and_the_power_limit_a_note(
    name: str, severity: Severity | None
) -> None:
    assert [f.severity for f in throttled((name, 0.5))] == ([severity] if severity else [])


@pytest.mark.parametrize(("fraction", "expected"), [(0.05, 1), (0.049, 0)])
def test_throttling_counts_from_a_twentieth_of_the_samples(fraction: float, expected: int) -> None:
    assert len(throttled(("hw slowdown", fraction))) == expected
    assert len(throttled(("sw power cap", fraction))) == expected


@pytest.mark.parametrize(("clock", "void"), [(1484.0, True), (1485.0, False)])
def test_a_clock_below_three_quarters_voids_the_times(clock: float, void: bool) -> None:
    # 75 % of 1980 MHz are 1485 MHz.
    (finding,) = throttled(("sw power cap", 0.9), sm_clock_mhz=clock, sm_clock_max_mhz=1980.0)
    assert ("void" in finding.evidence[0]) is void
    assert finding.severity is (Severity.WARNING if void else Severity.NOTE)


def test_the_evidence_has_reason_heat_power_and_clock() -> None:
    (finding,) = throttled(
        ("hw thermal slowdown", 0.4), ("sw power cap", 0.2), ("sync boost", 1.0),
        temperature_c=88.0, power_w=301.0, power_limit_w=350.0, sm_clock_mhz=1700.0,
        sm_clock_max_mhz=1980.0,
    )  # fmt: skip
    assert finding.evidence == (
        "GPU 0 (NVIDIA H100): hw thermal slowdown in 40% of the samples, sw power cap in 20% of "
        "the samples, up to 88 °C, 301 W of 350 W, SM clock 1700 MHz of 1980 MHz",
    )
    (bare,) = throttled(("hw slowdown", 0.4))
    assert bare.evidence == ("GPU 0 (NVIDIA H100): hw slowdown in 40% of the samples",)


@pytest.mark.parametrize(("others", "expected"), [(None, 0), (0, 0), (1, 1), (2, 1)])
def test_another_process_on_the_gpu_is_a_warning(others: int | None, expected: int) -> None:
    assert len(throttled(other_processes=others)) == expected


def test_the_other_processes_are_counted_with_their_memory() -> None:
    (finding,) = throttled(other_processes=2, other_processes_bytes=3 * 2**30)
    assert finding.severity is Severity.WARNING
    assert finding.evidence == (
        "2 other processes on GPU 0 (NVIDIA H100), with 3 GiB of its memory",
    )
    (finding,) = throttled(other_processes=1)
    assert finding.evidence == ("1 other process on GPU 0 (NVIDIA H100)",)


def without(**more: Any) -> Profile:
    """TensorFlow with the CPU alone."""
    environment = replace(profile().environment, devices=("CPU:0",), **more)
    return profile(environment=environment, gpus=(gpu(), gpu(1)))


def test_a_gpu_that_the_driver_lists_and_tensorflow_does_not_use_is_a_problem() -> None:
    (finding,) = setup.findings(without(cuda="12.5.1"))
    assert (finding.id, finding.severity) == ("gpu-not-used", Severity.PROBLEM)
    assert finding.evidence == (
        "the driver lists GPU 0 (NVIDIA H100), GPU 1 (NVIDIA H100)",
        "TensorFlow's devices: CPU:0",
        "it is a TensorFlow built for CUDA 12.5.1",
    )
    assert "set_visible_devices" in finding.remedy
    (finding,) = setup.findings(without())
    assert "built without CUDA" in finding.evidence[-1] and "[and-cuda]" in finding.remedy


def test_without_a_driver_the_missing_gpu_stays_a_note() -> None:
    (finding,) = setup.findings(replace(without(), gpus=()))
    assert (finding.id, finding.severity) == ("no-gpu", Severity.NOTE)


def test_devices_that_are_not_known_or_a_run_without_training_are_not_judged() -> None:
    unknown = replace(without(), environment=replace(without().environment, devices=()))
    assert list(setup.findings(unknown)) == []
    assert list(setup.findings(replace(without(), steps=None))) == []
