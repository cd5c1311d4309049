from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules import gpu as package
from gputune.rules.engine import find, verdict
from gputune.schema.finding import Severity
from gputune.schema.gpu import Compute, ElementTransfer, Throttle
from gputune.schema.profile import Breakdown, Profile, Transfer
from tests.unit.rules.profiles import activity, computing, gpu, memory, on_gpu, steps


def ids(profile: Profile) -> list[str]:
    return [finding.id for finding in find(profile)]


def worst(**more: Any) -> Profile:
    """A GPU of which every figure is as bad as it can be, contradictions included."""
    card = gpu(
        utilization_percent=20.0, utilization_p5_percent=0.0, utilization_p95_percent=40.0,
        sm_active_percent=10.0, sm_occupancy_percent=2.0, tensor_active_percent=1.0,
        dram_active_percent=80.0, memory_used_bytes=79 * 2**30, memory_total_bytes=80 * 2**30,
        throttled=(Throttle(name="hw thermal slowdown", fraction=1.0),), sm_clock_mhz=300.0,
        sm_clock_max_mhz=1980.0, pcie_generation=1, pcie_width=1, other_processes=3,
    )  # fmt: skip
    device = activity(
        busy_fraction=0.2, idle_fraction=0.8, idle_input_fraction=0.3, idle_host_fraction=0.4,
        idle_gaps_fraction=0.1, kernels_per_step=5000.0, kernel_median_s=3e-6,
        launch_delay_median_s=1e-3, half_precision_fraction=0.0, tensor_core_fraction=0.0,
        pageable_fraction=1.0,
    )  # fmt: skip
    fields = {
        "gpus": (card,), "device_activity": (device,),
        "parts": {"input_wait_s": 0.03, "h2d_exposed_s": 0.01, "launch_s": 0.03},
        "transfer": Transfer(
            h2d_bytes_per_step=100e6, h2d_s_per_step=0.02, h2d_exposed_s_per_step=0.01,
            h2d_bytes_per_s=10e6,
        ),
        "element": ElementTransfer(expected_h2d_bytes_per_step=50e6, narrower_bytes_per_step=10e6),
        "device_memory": (memory(9.9, reserved=99.0),),
        "compute": Compute(compute_dtype="float32", mfu_fraction=0.01),
    }  # fmt: skip
    return on_gpu(**{**fields, **more})


def test_each_thing_is_said_once_even_where_everything_is_wrong() -> None:
    found = find(worst())
    assert sorted(f.id for f in found) == [
        "copied-twice", "copies-exposed", "copies-slow", "gpu-shared", "gpu-under-used",
        "input-bound", "launch-bound", "low-head-room", "memory-bound", "throttled",
        "wide-elements",
    ]  # fmt: skip
    assert len({f.title for f in found}) == len({f.remedy for f in found}) == len(found)
    assert next(f for f in found if f.id == "gpu-under-used").severity is Severity.NOTE


def test_every_finding_has_a_sentence_evidence_and_a_remedy() -> None:
    for finding in find(worst()):
        assert finding.title.endswith(".") and finding.remedy.endswith("."), finding.id
        assert finding.evidence and all(line.strip() for line in finding.evidence), finding.id


def test_figures_that_are_not_known_are_no_finding() -> None:
    unknown = on_gpu(
        gpus=(gpu(compute_capability=None),), device_activity=(activity(),),
        device_memory=(memory(1.0, peak_bytes=None, limit_bytes=None, head_room_bytes=None),),
        element=ElementTransfer(),
    )  # fmt: skip
    bare = replace(on_gpu(), gpus=(), device_activity=(), compute=Compute())
    for profile in (unknown, bare, replace(bare, breakdown=None), replace(bare, steps=steps(None))):
        assert [f.id for rule in package.RULES for f in rule(profile)] == []


@pytest.mark.parametrize("devices", [("CPU:0",), ()])
def test_where_tensorflow_has_no_gpu_only_that_is_said(devices: tuple[str, ...]) -> None:
    found = worst()
    cpu = replace(
        found, breakdown=Breakdown(device="cpu", input_wait_s=0.0, device_compute_s=0.1),
        environment=replace(found.environment, devices=devices),
    )  # fmt: skip
    assert ids(cpu) == (["gpu-not-used"] if devices else [])


def test_without_training_nothing_is_said_of_the_gpu() -> None:
    assert [f.id for rule in package.RULES for f in rule(replace(worst(), steps=None))] == []


def test_a_gpu_that_is_well_used_is_near_its_ceiling() -> None:
    good = gpu(
        utilization_percent=99.0, utilization_p5_percent=97.0, utilization_p95_percent=100.0,
        sm_active_percent=92.0, tensor_active_percent=55.0, dram_active_percent=50.0,
    )  # fmt: skip
    found = on_gpu(
        gpus=(good,), device_activity=(activity(busy_fraction=0.98, half_precision_fraction=0.8),),
        compute=Compute(compute_dtype="mixed_float16", mfu_fraction=0.45),
        device_memory=(memory(6.0, reserved=9.0),), ceilings=computing(0.97).ceilings,
    )  # fmt: skip
    assert ids(found) == ["near-ceiling"]


def test_the_verdict_is_the_launches_and_their_remedy() -> None:
    found = on_gpu(parts={"launch_s": 0.04})
    assert verdict(found, find(found)) == (
        "40% of each step the GPU has nothing to run: launches come too late. Pass "
        "steps_per_execution=32 to compile: the GPU then has its next step without Keras' loop "
        "between."
    )
