from __future__ import annotations

from dataclasses import fields

import pytest

from gputune.analysis.breakdown import Parts, break_down, ceilings_record, transfer_record
from gputune.analysis.input_wait import InputWait
from gputune.schema.profile import Breakdown, Steps
from gputune.trace.gpu import Copies, GpuActivity
from gputune.trace.host_ops import HostSteps

PARTS = [field.name for field in fields(Breakdown) if field.name.endswith("_s")]
PARTS.remove("ci95_input_wait_s")
NONE = Copies(count=0, bytes=0, s=0.0, exposed_s=0.0)
HOST = HostSteps(windows=3, step_s=9.0, ops_s=3.0, input_s=1.0, dispatch_s=4.0, python_s=1.0)


def waited(
    fraction: float = 0.25, *, between_s: float = 0.0, held_s: float = 0.075,
    interval: tuple[float, float] | None = None,
) -> InputWait:  # fmt: skip
    return InputWait(
        fraction=fraction,
        interval=interval,
        held_step_s=held_s,
        held_between_s=between_s,
        real_step_s=held_s / (1 - fraction),
        pairs=4,
    )


def activity(
    busy_s: float, *, h2d: Copies = NONE, d2h: Copies = NONE, window_s: float = 10.0
) -> GpuActivity:
    return GpuActivity(
        window_s=window_s, kernel_count=1, kernel_s=busy_s, h2d=h2d, d2h=d2h, busy_s=busy_s,
        idle_s=window_s - busy_s,
    )  # fmt: skip


def copies(exposed_s: float, *, s: float = 0.0, size: int | None = 0, count: int = 1) -> Copies:
    return Copies(count=count, bytes=size, s=s or exposed_s, exposed_s=exposed_s)


def total(parts: Parts) -> float:
    return sum(getattr(parts.breakdown, name) or 0.0 for name in PARTS)


def reasons_are_whole(parts: Parts) -> bool:
    missing = {name for name in PARTS if getattr(parts.breakdown, name) is None}
    return missing == set(parts.reasons) and all(parts.reasons.values())


def test_on_a_cpu_the_held_step_is_split_as_the_trace_splits_a_call() -> None:
    # Held: 75 ms, 15 of them between the calls; the other 60 as 3 : 4 : 1 (input left out).
    parts = break_down(0.1, waited(between_s=0.015), "", HOST, None, 3, "")
    found = parts.breakdown
    assert found.input_wait_s == pytest.approx(0.025)
    assert found.device_compute_s == pytest.approx(0.0225)
    assert found.launch_s == pytest.approx(0.030)
    assert found.python_s == pytest.approx(0.015 + 0.0075)
    assert (found.other_s, found.device) == (0.0, "cpu")
    assert total(parts) == pytest.approx(0.1, abs=1e-12)
    assert set(parts.reasons) == {"h2d_exposed_s", "d2h_exposed_s"}
    assert reasons_are_whole(parts)


def test_the_interval_of_the_wait_is_in_seconds() -> None:
    parts = break_down(0.1, waited(interval=(-0.1, 0.6)), "", HOST, None, 3, "")
    assert parts.breakdown.ci95_input_wait_s == pytest.approx((-0.01, 0.06))


def test_a_clean_step_slower_than_the_blocks_scales_the_parts() -> None:
    parts = break_down(0.2, waited(between_s=0.015), "", HOST, None, 3, "")
    assert parts.breakdown.input_wait_s == pytest.approx(0.05)
    assert parts.breakdown.device_compute_s == pytest.approx(0.045)
    assert total(parts) == pytest.approx(0.2, abs=1e-12)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (None, "the profiler wrote nothing"),
        (HostSteps(windows=3, step_s=1.0, reason="run eagerly"), "run eagerly"),
        (HostSteps(windows=3, ops_s=0.0, dispatch_s=0.0, python_s=0.0), "the profiler wrote"),
    ],
)
def test_without_a_trace_the_call_is_not_split_and_says_why(
    host: HostSteps | None, reason: str
) -> None:
    parts = break_down(
        0.1, waited(between_s=0.015), "", host, None, 0, "the profiler wrote nothing"
    )
    assert parts.breakdown.other_s == pytest.approx(0.06)
    assert parts.breakdown.python_s == pytest.approx(0.015)
    assert total(parts) == pytest.approx(0.1, abs=1e-12)
    assert reasons_are_whole(parts)
    assert parts.reasons["device_compute_s"].startswith(reason)
    assert parts.reasons["launch_s"].startswith(reason)


@pytest.mark.parametrize("gpu", [None, activity(3.0)])
def test_without_a_held_batch_nothing_is_known_but_the_step(gpu: GpuActivity | None) -> None:
    parts = break_down(0.1, None, "it ended too soon", HOST, gpu, 10, "")
    assert parts.breakdown == Breakdown(other_s=0.1)
    assert total(parts) == 0.1
    assert set(parts.reasons.values()) == {"it ended too soon"}
    assert reasons_are_whole(parts)


def test_on_a_gpu_the_devices_own_times_stand_per_step() -> None:
    # Ten traced steps: 0.4 s busy, of which 0.1 s and 0.05 s copies that nothing hid.
    gpu = activity(0.4, h2d=copies(0.1), d2h=copies(0.05))
    parts = break_down(0.1, waited(between_s=0.005), "", HOST, gpu, 10, "")
    found = parts.breakdown
    assert found.device_compute_s == pytest.approx(0.025)
    assert found.h2d_exposed_s == pytest.approx(0.010)
    assert found.d2h_exposed_s == pytest.approx(0.005)
    # 75 ms held, 40 on the device: of the other 35, 5 between the calls.
    assert found.python_s == pytest.approx(0.005)
    assert found.launch_s == pytest.approx(0.030)
    assert found.device == "gpu"
    assert total(parts) == pytest.approx(0.1, abs=1e-12)
    assert parts.reasons == {} and reasons_are_whole(parts)


def test_on_a_gpu_python_takes_no_more_than_the_device_leaves() -> None:
    parts = break_down(0.1, waited(between_s=0.060), "", HOST, activity(0.7), 10, "")
    assert parts.breakdown.device_compute_s == pytest.approx(0.070)
    assert parts.breakdown.python_s == pytest.approx(0.005)
    assert parts.breakdown.launch_s == pytest.approx(0.0, abs=1e-12)
    assert total(parts) == pytest.approx(0.1, abs=1e-12)


def test_a_device_busier_than_the_held_step_is_scaled_into_it() -> None:
    # 150 ms a traced step do not go into 75 ms: half of each.
    gpu = activity(1.5, h2d=copies(0.5))
    parts = break_down(0.1, waited(), "", HOST, gpu, 10, "")
    assert parts.breakdown.device_compute_s == pytest.approx(0.050)
    assert parts.breakdown.h2d_exposed_s == pytest.approx(0.025)
    assert total(parts) == pytest.approx(0.1, abs=1e-12)


def test_a_gpu_that_did_nothing_leaves_all_to_the_host() -> None:
    parts = break_down(0.1, waited(), "", HOST, activity(0.0), 10, "")
    assert parts.breakdown.device_compute_s == 0
    assert parts.breakdown.launch_s == pytest.approx(0.075)
    assert total(parts) == pytest.approx(0.1, abs=1e-12)


def test_transfers_are_per_step_and_their_rate_per_second() -> None:
    gpu = activity(3.0, h2d=copies(0.1, s=0.5, size=4000), d2h=copies(0.2, size=None))
    found = transfer_record(gpu, 10)
    assert found.h2d_bytes_per_step == pytest.approx(400)
    assert found.h2d_s_per_step == pytest.approx(0.05)
    assert found.h2d_exposed_s_per_step == pytest.approx(0.01)
    assert found.h2d_bytes_per_s == pytest.approx(8000)
    assert (found.d2h_bytes_per_step, found.d2h_bytes_per_s) == (None, None)
    assert found.d2h_s_per_step == pytest.approx(0.02)


def test_without_a_gpu_nothing_is_known_of_transfers() -> None:
    assert set(vars(transfer_record(None, 10)).values()) == {None}
    assert set(vars(transfer_record(activity(1.0), 0)).values()) == {None}


def test_no_copy_has_no_rate() -> None:
    assert transfer_record(activity(1.0), 10).h2d_bytes_per_s is None


def steps(mean_s: float | None = 0.1, batch_size: int | None = 32) -> Steps:
    return Steps(
        count=10, warmup_count=0, measured_count=10, batch_size=batch_size, steps_per_execution=1,
        mean_s=mean_s, samples_per_s=batch_size / mean_s if batch_size and mean_s else None,
    )  # fmt: skip


def test_the_ceilings_are_input_and_model_alone() -> None:
    # 32 in 100 ms; the model alone takes 80 ms, the input alone 20 batches a second.
    found = ceilings_record(steps(), waited(0.2), 20.0)
    assert found.compute_samples_per_s == pytest.approx(400)
    assert found.input_samples_per_s == pytest.approx(640)
    assert found.achieved_fraction == pytest.approx(320 / 400)


def test_one_ceiling_alone_does_not_say_what_was_achieved() -> None:
    assert ceilings_record(steps(), waited(0.2), None).achieved_fraction is None
    found = ceilings_record(steps(), None, 20.0)
    assert (found.compute_samples_per_s, found.achieved_fraction) == (None, None)


def test_without_a_batch_size_or_a_step_time_there_are_no_ceilings() -> None:
    for unknown in (steps(batch_size=None), steps(mean_s=None)):
        assert set(vars(ceilings_record(unknown, waited(), 20.0)).values()) == {None}


def test_on_a_gpu_without_a_trace_of_it_the_hosts_operations_are_no_computation() -> None:
    parts = break_down(0.1, waited(0.25), "", HOST, None, 10, "CUPTI is forbidden", on_gpu=True)
    assert parts.breakdown.device == "gpu"
    assert parts.breakdown.device_compute_s is None
    assert parts.reasons["device_compute_s"] == "CUPTI is forbidden"
    assert reasons_are_whole(parts)
    assert total(parts) == pytest.approx(0.1)
