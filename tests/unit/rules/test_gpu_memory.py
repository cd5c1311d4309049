from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules.gpu import memory as rule
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import DeviceMemory
from gputune.schema.profile import Profile
from tests.unit.rules.profiles import gpu, memory, on_gpu, setting

GIB = 2**30


def found(profile: Profile) -> list[Finding]:
    return list(rule.findings(profile))


def ids(*devices: DeviceMemory, **more: Any) -> list[str]:
    return [finding.id for finding in found(on_gpu(device_memory=devices, **more))]


@pytest.mark.parametrize(("peak", "expected"), [(8.99, []), (9.01, ["low-head-room"])])
def test_less_than_a_tenth_left_at_the_peak_is_too_little(peak: float, expected: list[str]) -> None:
    assert ids(memory(peak)) == expected


def test_without_a_limit_or_a_peak_nothing_is_said_of_head_room() -> None:
    assert ids(memory(9.5, limit_bytes=None)) == []
    assert ids(memory(9.5, head_room_bytes=None)) == []
    assert ids(DeviceMemory(index=0)) == []
    assert ids() == []


def test_head_room_says_what_is_left_and_what_should_fit() -> None:
    (finding,) = found(on_gpu(device_memory=(memory(9.5, predicted_max_batch_size=33),)))
    assert finding.severity is Severity.WARNING
    assert finding.evidence == (
        "0.5 GiB of 10 GiB are left on GPU 0 (NVIDIA H100): tensors held 9.5 GiB at the peak; the "
        "largest batch that should fit is 33",
    )


@pytest.mark.parametrize(("peak", "expected"), [(3.99, ["memory-unused"]), (4.0, [])])
def test_less_than_half_of_what_was_reserved_is_memory_unused(
    peak: float, expected: list[str]
) -> None:
    assert ids(memory(peak, reserved=8.0)) == expected


def test_the_drivers_figure_stands_in_for_what_was_reserved() -> None:
    used = gpu(memory_used_bytes=8 * GIB)
    assert ids(memory(3.0), gpus=(used,)) == ["memory-unused"]
    assert ids(memory(3.0), gpus=(gpu(),)) == []
    assert ids(memory(3.0), gpus=()) == []
    assert ids(memory(3.0, reserved=4.0), gpus=(used,)) == []


def test_what_others_hold_is_not_taken_by_tensorflow() -> None:
    shared = gpu(memory_used_bytes=8 * GIB, other_processes=1, other_processes_bytes=3 * GIB)
    assert ids(memory(3.0), gpus=(shared,)) == []
    assert ids(memory(2.0), gpus=(shared,)) == ["memory-unused"]
    assert ids(memory(2.0), gpus=(replace(shared, other_processes_bytes=None),)) == []


def test_memory_unused_is_a_warning_only_where_another_process_needs_it() -> None:
    one = memory(1.0, reserved=9.0, predicted_max_batch_size=300)
    (alone,) = found(on_gpu(device_memory=(one,), gpus=(gpu(other_processes=0),)))
    assert alone.severity is Severity.NOTE and "another process" not in alone.title
    assert alone.evidence == (
        "tensors held at most 1 GiB of the 9 GiB that TensorFlow took on GPU 0 (NVIDIA H100); a "
        "batch of up to 300 should fit",
    )
    (shared,) = found(on_gpu(device_memory=(one,), gpus=(gpu(other_processes=2),)))
    assert shared.severity is Severity.WARNING and "another process" in shared.title


def test_memory_growth_that_is_on_is_not_advised() -> None:
    one = memory(1.0, reserved=9.0)
    for on in (True, "growth", "cuda_malloc_async"):
        assert ids(one, config=(setting("memory_growth", on),)) == []
    for off in (False, "default", None):
        assert ids(one, config=(setting("memory_growth", off),)) == ["memory-unused"]
    grows = on_gpu(device_memory=(one,))
    variables = (("TF_FORCE_GPU_ALLOW_GROWTH", "true"),)
    grows = replace(grows, environment=replace(grows.environment, variables=variables))
    assert found(grows) == []


def test_a_full_gpu_is_not_called_unused_as_well() -> None:
    # What the two accounts say of it cannot both be: no advice stands on that.
    assert ids(memory(9.5, reserved=30.0)) == ["low-head-room"]


def test_an_idle_gpu_of_several_is_left_to_its_own_rule() -> None:
    gpus = (gpu(0, utilization_percent=90.0), gpu(1, utilization_percent=0.0))
    devices = (memory(6.0, reserved=9.0), memory(0.1, reserved=9.0, index=1))
    assert ids(*devices, gpus=gpus) == []


def test_without_a_gpu_nothing_is_said_of_its_memory() -> None:
    one = on_gpu(device_memory=(memory(9.9, reserved=9.9),))
    assert found(replace(one, environment=replace(one.environment, devices=("CPU:0",)))) == []
