"""What was read of the GPUs -> figures; the expected values are arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gputune.schema.gpu import Gpu, Throttle
from gputune.sensors.energy import TOO_SHORT
from gputune.sensors.gpu_averages import (
    FEW,
    LOST_BEFORE,
    NO_BATCH,
    NO_STEPS,
    NO_WINDOWS,
    NOT_READ,
    GpuFigures,
    Trained,
    average_gpus,
    percentile,
)
from gputune.sensors.nvml_errors import LOST
from gputune.sensors.protocol import GpuInfo, Point

GPU = GpuInfo(index=0, name="Fake")
TWO = (GPU, GpuInfo(index=1, name="Fake"))


def averaged(
    lines: Mapping[str, Sequence[Point]], windows: Sequence[tuple[float, float]], **other: Any
) -> GpuFigures:
    """The figures of one GPU with these points."""
    options: dict[str, Any] = {"trained": Trained(), "reasons": {}, "lost": {}, **other}
    points = {(0, metric): line for metric, line in lines.items()}
    return average_gpus([GPU], points, windows, **options)


def one(lines: Mapping[str, Sequence[Point]], *windows: tuple[float, float]) -> Gpu:
    (gpu,) = averaged(lines, windows).gpus
    return gpu


def moments(*values: float, every_s: float = 1.0) -> list[Point]:
    """Values at 0, every_s, …"""
    return [Point(n * every_s, value) for n, value in enumerate(values)]


def spans(*values: float, every_s: float = 1.0) -> list[Point]:
    """Means over the stretches that begin at 0, every_s, …"""
    return [Point((n + 1) * every_s, value, n * every_s) for n, value in enumerate(values)]


def test_a_gpu_is_averaged_over_the_points_inside_the_windows() -> None:
    gpu = one(
        {
            "utilization_percent": moments(*(10.0 * n for n in range(10))),
            "memory_used_bytes": moments(*range(10)),
            "memory_total_bytes": moments(*[99] * 10),
            "sm_clock_mhz": moments(*range(1000, 1010)),
            "temperature_c": moments(50, 60, 55, 40, 90, 45, 44, 91, 92, 93),
        },
        (1, 3),
        (5, 7),
    )
    assert gpu.utilization_percent == (10 + 20 + 50 + 60) / 4
    assert (gpu.memory_used_bytes, gpu.memory_total_bytes, gpu.samples) == (6, 99, 4)
    assert gpu.sm_clock_mhz == (1001 + 1002 + 1005 + 1006) / 4
    assert gpu.temperature_c == 60


def test_means_over_spans_count_with_their_part_inside_the_windows() -> None:
    gpu = one({"sm_active_percent": spans(10, 20, 80)}, (0.75, 2.5))
    assert gpu.sm_active_percent == pytest.approx((0.25 * 10 + 1 * 20 + 0.5 * 80) / 1.75)


def test_the_driver_s_own_samples_go_before_polled_ones_where_they_cover_the_windows() -> None:
    lines = {
        "utilization_percent": moments(*[50] * 6, every_s=0.5),
        "buffered_utilization_percent": spans(10, 30),
        "power_w": moments(*[100] * 6, every_s=0.5),
        "buffered_power_w": spans(200, 400),
    }
    covered = one(lines, (0, 2))
    assert (covered.utilization_percent, covered.power_w) == (20, 300)
    beyond = one(lines, (1.75, 3))
    assert (beyond.utilization_percent, beyond.power_w) == (50, 100)


def test_percentiles_are_of_what_lies_mostly_inside_the_windows() -> None:
    gpu = one({"buffered_utilization_percent": spans(0, 10, 20, 30, 40, 50, 100)}, (0.6, 6.4))
    assert gpu.utilization_p5_percent == pytest.approx(10 + 0.05 * 40)
    assert gpu.utilization_p95_percent == pytest.approx(10 + 0.95 * 40)


def test_a_percentile_of_few_values_is_none() -> None:
    found = averaged({"utilization_percent": moments(1, 2, 3, 4)}, [(0, 9)])
    assert found.gpus[0].utilization_percent == 2.5
    assert found.gpus[0].utilization_p5_percent is None
    assert found.reasons["gpus.utilization_p5_percent"] == FEW


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (50, 2.5), (100, 4), (5, 1.15), (95, 3.85)]
)
def test_a_percentile_is_linear_between_order_statistics(percent: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == pytest.approx(expected)


def test_a_state_read_shortly_before_a_short_window_holds_in_it() -> None:
    lines = {"pcie_width": moments(8, 16), "sm_clock_mhz": moments(900, 1000)}
    gpu = one(lines, (1.2, 1.4))
    assert (gpu.pcie_width, gpu.sm_clock_mhz) == (16, 1000)
    late = averaged(lines, [(2.5, 2.7)])
    assert (late.gpus[0].pcie_width, late.gpus[0].sm_clock_mhz) == (None, None)
    assert late.reasons["gpus.pcie_width"] == NOT_READ
    # A mean over a span says nothing of later.
    assert one({"sm_active_percent": spans(10)}, (1.2, 1.4)).sm_active_percent is None


def test_throttle_reasons_are_shares_of_the_samples() -> None:
    found = averaged({"event_reasons": moments(0, 4, 4, 0, 4)}, [(0, 4)])
    assert found.gpus[0].throttled == (Throttle(name="sw power cap", fraction=0.5),)
    assert "gpus.throttled" not in found.reasons
    unknown = averaged({}, [(0, 4)], reasons={(0, "event_reasons"): "why"})
    assert unknown.reasons["gpus.throttled"] == "why"


def test_energy_is_spread_over_the_steps_and_samples_of_the_windows() -> None:
    counter = {"energy_mj": moments(*(300_000.0 * n for n in range(10)))}
    windows = [(1.0, 3.0), (5.0, 7.0)]
    found = averaged(counter, windows, trained=Trained(steps=40, batch_size=32))
    assert found.gpus[0].energy_j_per_step == pytest.approx(300 * 4 / 40)
    assert found.gpus[0].energy_j_per_sample == pytest.approx(300 * 4 / 40 / 32)
    no_batch = averaged(counter, windows, trained=Trained(steps=40))
    assert no_batch.gpus[0].energy_j_per_step == pytest.approx(30)
    assert no_batch.reasons["gpus.energy_j_per_sample"] == NO_BATCH
    no_steps = averaged(counter, windows)
    assert no_steps.gpus[0].energy_j_per_step is None
    assert no_steps.reasons["gpus.energy_j_per_step"] == NO_STEPS


def test_a_window_too_short_for_the_energy_counter_says_so() -> None:
    counter = {"energy_mj": moments(*range(10))}
    found = averaged(counter, [(1.2, 1.25)], trained=Trained(steps=4, batch_size=2))
    assert found.gpus[0].energy_j_per_step is None
    assert found.reasons["gpus.energy_j_per_step"] == TOO_SHORT
    assert found.reasons["gpus.energy_j_per_sample"] == TOO_SHORT


def test_every_figure_that_is_missing_has_a_reason() -> None:
    found = averaged({}, [(0, 1)], reasons={(0, "power_w"): "no permission"})
    (gpu,) = found.gpus
    missing = {f"gpus.{name}" for name, value in vars(gpu).items() if value is None}
    missing -= {"gpus.uuid"}  # its name is enough
    assert missing | {"gpus.throttled"} == set(found.reasons)
    assert found.reasons["gpus.power_w"] == "no permission"
    assert found.reasons["gpus.temperature_c"] == NOT_READ
    assert gpu.samples == 0


def test_a_reason_that_holds_for_some_gpus_names_them() -> None:
    points = {(0, "temperature_c"): moments(50, 51)}
    reasons = {(0, "power_w"): "a", (1, "power_w"): "b", (1, "temperature_c"): "c"}
    found = average_gpus(TWO, points, [(0, 2)], Trained(), reasons=reasons, lost={})
    assert found.reasons["gpus.power_w"] == "a (GPU 0); b (GPU 1)"
    assert found.reasons["gpus.temperature_c"] == "c (GPU 1)"
    assert found.reasons["gpus.sm_clock_mhz"] == NOT_READ


def test_a_gpu_lost_in_the_clean_phase_keeps_its_figures_and_is_named() -> None:
    points = {
        (0, "power_w"): moments(*[100] * 9),
        (1, "power_w"): moments(200, 200, 200),
    }
    lost = average_gpus(TWO, points, [(0, 9)], Trained(), reasons={}, lost={1: 2.5})
    assert [gpu.power_w for gpu in lost.gpus] == [100, 200]
    assert lost.reasons["gpus[1]"] == LOST_BEFORE
    assert lost.reasons["gpus.temperature_c"] == f"{NOT_READ} (GPU 0); {LOST} (GPU 1)"
    later = average_gpus(TWO, points, [(0, 2)], Trained(), reasons={}, lost={1: 2.5})
    assert "gpus[1]" not in later.reasons


def test_without_a_clean_phase_there_is_one_reason() -> None:
    found = averaged({"power_w": moments(1, 2)}, [])
    assert found.reasons == {"gpus": NO_WINDOWS}
    assert found.gpus[0].power_w is None
    assert average_gpus([], {}, [], Trained(), reasons={}, lost={}) == GpuFigures((), {})
