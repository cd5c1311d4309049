"""Several devices, by arithmetic on what each of them did."""

from __future__ import annotations

import pytest

from gputune.analysis.distribution import distribution, distribution_notes
from gputune.analysis.run import FitRun
from gputune.analysis.trace_facts import TraceFacts
from gputune.trace.gpu import Copies, GpuActivity

NO_COPIES = Copies(count=0, bytes=0, s=0.0, exposed_s=0.0)


def fit(strategy: str | None, replicas: int) -> FitRun:
    return FitRun(number=1, begin={"strategy": strategy, "replicas": replicas})


def gpu(busy_s: float, all_reduce_s: float = 0.0) -> GpuActivity:
    return GpuActivity(
        window_s=1.0, kernel_count=1, kernel_s=busy_s, h2d=NO_COPIES, d2h=NO_COPIES,
        busy_s=busy_s, idle_s=1.0 - busy_s, all_reduce_s=all_reduce_s,
    )  # fmt: skip


def test_one_device_is_no_distribution() -> None:
    assert distribution(fit(None, 1), 32, TraceFacts()) is None
    assert distribution(fit("OneDeviceStrategy", 1), 32, TraceFacts()) is None


def test_batches_devices_imbalance_and_all_reduce() -> None:
    facts = TraceFacts(gpus=((0, gpu(0.8, 0.1)), (1, gpu(0.6, 0.3))), steps=10)
    found = distribution(fit("MirroredStrategy", 2), 64, facts)
    assert found is not None
    assert (found.per_replica_batch, found.global_batch) == (32, 64)
    assert [(d.device, d.busy_s_per_step) for d in found.devices] == [
        ("GPU:0", pytest.approx(0.08)),
        ("GPU:1", pytest.approx(0.06)),
    ]
    assert found.imbalance_fraction == pytest.approx(0.25)
    assert found.all_reduce_fraction == pytest.approx(0.3)


def test_without_a_trace_of_the_devices_nothing_is_claimed() -> None:
    found = distribution(fit("MirroredStrategy", 2), None, TraceFacts())
    assert found is not None
    assert found.devices == ()
    assert found.imbalance_fraction is None
    assert found.all_reduce_fraction is None
    assert distribution_notes(found) == ()


def test_of_several_workers_one_process_was_seen() -> None:
    found = distribution(fit("MultiWorkerMirroredStrategy", 1), 8, TraceFacts())
    (note,) = distribution_notes(found)
    assert "the process that was started here" in note
