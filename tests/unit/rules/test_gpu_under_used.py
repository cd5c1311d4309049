from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules.gpu import several, under_used
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Breakdown, Host, Phase, Profile
from gputune.schema.training import Distribution
from tests.unit.rules.profiles import FIT, activity, gpu, on_gpu, profile, steps


def found(profile: Profile) -> list[str]:
    return [finding.id for finding in under_used.findings(profile)]


def only(profile: Profile) -> Finding:
    (finding,) = under_used.findings(profile)
    return finding


@pytest.mark.parametrize(
    ("p95", "expected"), [(69.9, ["gpu-under-used"]), (70.0, []), (None, []), (0.0, None)]
)
def test_the_95th_percentile_of_the_drivers_samples_below_70_percent_is_too_little(
    p95: float | None, expected: list[str] | None
) -> None:
    one = gpu(utilization_p95_percent=p95)
    assert found(on_gpu(gpus=(one,))) == (expected if expected is not None else ["gpu-under-used"])


@pytest.mark.parametrize(
    ("busy", "expected"),
    [(0.699, ["gpu-under-used"]), (0.7, []), (None, []), (0.0, ["gpu-under-used"])],
)
def test_kernels_for_less_than_70_percent_of_the_step_are_too_little(
    busy: float | None, expected: list[str]
) -> None:
    assert found(on_gpu(device_activity=(activity(busy_fraction=busy),))) == expected


def traced(step_s: float) -> Phase:
    return Phase(name="trace", steps=10, duration_s=step_s * 10, step_s=step_s)


def test_tracing_that_slows_the_host_does_not_make_the_gpu_look_idle() -> None:
    # Busy for 80 ms of a traced step of 160 ms: for 80 ms of the clean step of 100 ms.
    one = activity(busy_fraction=0.5)
    assert found(on_gpu(device_activity=(one,), phases=(traced(0.16),))) == []
    finding = only(on_gpu(device_activity=(one,), phases=(traced(0.12),)))
    assert (
        finding.evidence[0] == "GPU 0 (NVIDIA H100) runs kernels for 60% of the step, by the trace"
    )


def test_copies_that_nothing_hides_are_no_work() -> None:
    one = activity(busy_fraction=0.95)
    finding = only(on_gpu(device_activity=(one,), parts={"h2d_exposed_s": 0.04}))
    assert "for 55% of the step" in finding.evidence[0]
    assert finding.title.endswith("40% of each step it waits for copies between host and GPU.")
    assert finding.remedy == "The finding copies-exposed says what helps."


def test_the_trace_outweighs_the_drivers_samples() -> None:
    one = gpu(utilization_p95_percent=50.0)
    assert found(on_gpu(gpus=(one,), device_activity=(activity(busy_fraction=0.9),))) == []


@pytest.mark.parametrize(
    ("parts", "words", "said_by"),
    [
        ({"input_wait_s": 0.4 * 0.1, "launch_s": 0.01}, "its input", "input-bound"),
        ({"launch_s": 0.05, "python_s": 0.01}, "the host to launch its work", "launch-bound"),
        ({"h2d_exposed_s": 0.05}, "copies between host and GPU", "copies-exposed"),
    ],
)
def test_what_another_finding_explains_is_a_note_that_names_it(
    parts: dict[str, float], words: str, said_by: str
) -> None:
    one = gpu(utilization_p95_percent=55.0, utilization_percent=48.0)
    finding = only(on_gpu(gpus=(one,), parts=parts))
    assert finding.severity is Severity.NOTE
    assert finding.title.endswith(f"it waits for {words}.")
    assert finding.remedy == f"The finding {said_by} says what helps."
    assert (
        "at most 55% of the time" in finding.evidence[0]
        and "48% in the mean" in finding.evidence[0]
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [({"python_s": 0.04}, "Python and the callbacks"), ({"d2h_exposed_s": 0.04}, "copies between")],
)
def test_what_no_other_finding_explains_is_a_warning_with_a_remedy_of_its_own(
    parts: dict[str, float], words: str
) -> None:
    finding = only(on_gpu(gpus=(gpu(utilization_p95_percent=55.0),), parts=parts))
    assert finding.severity is Severity.WARNING
    assert words in finding.title and "40% of each step" in finding.title
    assert "finding" not in finding.remedy and finding.site == FIT


@pytest.mark.parametrize(("wait_s", "named"), [(0.0049, False), (0.00501, True)])
def test_a_part_of_less_than_five_percent_is_not_the_reason(wait_s: float, named: bool) -> None:
    low = (gpu(utilization_p95_percent=55.0),)
    finding = only(on_gpu(gpus=low, parts={"python_s": wait_s}))
    assert ("Python" in finding.title) is named
    assert ("could not be told" in finding.remedy) is not named


def test_without_a_breakdown_the_reason_is_not_known() -> None:
    low = (gpu(utilization_p95_percent=55.0),)
    for parts in (None, Breakdown(device="gpu", other_s=0.1), Breakdown(launch_s=0.05)):
        finding = only(profile(gpus=low, breakdown=parts))
        assert finding.severity is Severity.WARNING and "could not be told" in finding.remedy


def test_the_evidence_says_where_the_gpu_is_idle_and_how_busy_the_host_is() -> None:
    one = activity(
        busy_fraction=0.5, idle_input_fraction=0.3, idle_host_fraction=0.15, idle_gaps_fraction=0.05
    )
    finding = only(on_gpu(device_activity=(one,), host=Host(cpu_percent=93.0)))
    assert finding.evidence[1:] == (
        "in the traced steps GPU 0 is idle 30% for the input, 15% for the host, 5% between kernels",
        "the host's cores are busy for 93% of the time",
    )


def bursts(p5: float | None, p95: float | None, **more: Any) -> Profile:
    one = gpu(utilization_p5_percent=p5, utilization_p95_percent=p95, **more.pop("gpu", {}))
    return on_gpu(gpus=(one,), **more)


@pytest.mark.parametrize(
    ("p5", "p95", "samples", "expected"),
    [
        (9.9, 70.1, 20, ["gpu-fluctuating"]),
        (10.0, 70.1, 20, []),
        (9.9, 70.0, 20, []),
        (9.9, 70.1, 19, []),
        (None, 99.0, 20, []),
        (5.0, None, 20, []),
    ],
)
def test_a_gpu_fluctuates_between_a_p5_below_10_and_a_p95_above_70_percent(
    p5: float | None, p95: float | None, samples: int, expected: list[str]
) -> None:
    assert found(bursts(p5, p95, gpu={"samples": samples})) == expected


def test_bursts_of_an_under_used_gpu_are_evidence_and_no_finding_of_their_own() -> None:
    finding = only(bursts(5.0, 95.0, device_activity=(activity(busy_fraction=0.5),)))
    assert finding.id == "gpu-under-used"
    assert any("from 5% (5th percentile) to 95% (95th)" in line for line in finding.evidence)


def test_bursts_are_a_note_where_another_finding_explains_them() -> None:
    assert only(bursts(5.0, 95.0)).severity is Severity.WARNING
    explained = only(bursts(5.0, 95.0, parts={"input_wait_s": 0.02}))
    assert explained.severity is Severity.NOTE and "input-bound" in explained.remedy


def test_a_run_without_a_gpu_or_without_training_is_not_judged() -> None:
    low = on_gpu(gpus=(gpu(utilization_p95_percent=5.0),))
    assert found(replace(low, steps=None)) == []
    assert found(replace(low, environment=replace(low.environment, devices=("CPU:0",)))) == []
    assert found(replace(low, steps=steps(None))) == ["gpu-under-used"]


def two(first: float | None, second: float | None, **more: Any) -> Profile:
    devices = more.pop("devices", ("CPU:0", "GPU:0", "GPU:1"))
    gpus = (gpu(0, utilization_percent=first), gpu(1, utilization_percent=second))
    environment = replace(profile().environment, devices=devices, **more.pop("environment", {}))
    return on_gpu(**{"gpus": gpus, "environment": environment, **more})


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(80.0, 3.9, 1), (80.0, 4.01, 0), (0.0, 60.0, 1), (0.0, 0.0, 0), (80.0, None, 0)],
)
def test_a_gpu_below_a_twentieth_of_the_busiest_has_no_part_in_the_training(
    first: float, second: float | None, expected: int
) -> None:
    assert len(list(several.findings(two(first, second)))) == expected


def test_the_finding_says_who_works_and_what_to_do() -> None:
    (finding,) = several.findings(two(80.0, 0.0))
    assert (finding.id, finding.severity) == ("one-gpu-of-several", Severity.WARNING)
    assert finding.title == "1 of 2 GPUs works: the others are taken and idle."
    assert finding.evidence == (
        "GPU 0 (NVIDIA H100) is busy for 80% of the time",
        "GPU 1 (NVIDIA H100) is busy for 0% of the time",
    )
    assert "MirroredStrategy" in finding.remedy and "CUDA_VISIBLE_DEVICES=0)" in finding.remedy


def test_the_trace_knows_the_scripts_own_work_from_another_process() -> None:
    other = two(80.0, 70.0, device_activity=(
        activity(0, busy_fraction=0.9), activity(1, busy_fraction=0.0),
    ))  # fmt: skip
    (finding,) = several.findings(other)
    assert "GPU 0 (NVIDIA H100) is busy for 90% of the time" in finding.evidence


def test_one_gpu_that_the_script_chose_is_no_finding() -> None:
    assert list(several.findings(two(80.0, 0.0, devices=("CPU:0", "GPU:0")))) == []


def test_the_scripts_numbers_are_not_the_drivers_where_the_variable_is_set() -> None:
    variables = {"environment": {"variables": (("CUDA_VISIBLE_DEVICES", "2,3"),)}}
    (finding,) = several.findings(two(80.0, 0.0, **variables))
    assert "(fewer in CUDA_VISIBLE_DEVICES)" in finding.remedy
    named = two(80.0, 0.0, **variables)
    named = replace(named, gpus=tuple(replace(g, uuid=f"GPU-{g.index}") for g in named.gpus))
    (finding,) = several.findings(named)
    assert "CUDA_VISIBLE_DEVICES=GPU-0)" in finding.remedy


def test_a_training_that_is_spread_already_is_told_to_name_the_others() -> None:
    spread = Distribution(strategy="MirroredStrategy", replicas=2)
    (finding,) = several.findings(two(80.0, 0.0, distribution=spread))
    assert "2 replicas (MirroredStrategy)" in finding.remedy


def test_an_idle_gpu_of_several_is_not_called_under_used_as_well() -> None:
    gpus = (
        gpu(0, utilization_percent=90.0, utilization_p95_percent=99.0),
        gpu(1, utilization_percent=0.0, utilization_p95_percent=0.0),
    )
    assert found(two(90.0, 0.0, gpus=gpus)) == []
