"""The lines about a GPU."""

from __future__ import annotations

from dataclasses import fields

from gputune.report.gpus import SPOKEN, gpu_lines
from gputune.schema.gpu import Gpu, Throttle

NAME = "NVIDIA H100 80GB HBM3"
FULL = Gpu(
    index=0,
    name=NAME,
    utilization_percent=99.0,
    memory_used_bytes=13 * 2**30,
    memory_total_bytes=80 * 2**30,
    sm_active_percent=43.0,
    sm_occupancy_percent=30.0,
    tensor_active_percent=12.0,
    dram_active_percent=20.0,
    power_w=312.0,
    power_limit_w=700.0,
    energy_j_per_step=6.7,
    energy_j_per_sample=0.0262,
    temperature_c=90.0,
    sm_clock_mhz=990.0,
    sm_clock_max_mhz=1980.0,
    throttled=(
        Throttle(name="sw power cap", fraction=0.8),
        Throttle(name="hw slowdown", fraction=0.001),
    ),
    pcie_generation=5,
    pcie_generation_max=5,
    pcie_width=8,
    pcie_width_max=16,
    pcie_rx_bytes_per_s=8e8,
    pcie_tx_bytes_per_s=2e8,
    other_processes=2,
    other_processes_bytes=20 * 2**30,
)


def text(gpu: Gpu, *, explained: bool = False) -> list[str]:
    return [line.lead + ", ".join(line.figures) for line in gpu_lines(gpu, explained=explained)]


def test_all_that_is_known_stands_in_five_lines() -> None:
    assert text(FULL) == [
        f"{NAME}: busy 99% (the time with at least one kernel, however small), "
        "memory 13 GiB of 80 GiB",
        "SMs active 43%, occupancy 30%, tensor cores 12%, memory bandwidth 20%",
        "312 of 700 W, 6.70 J a step, 26.2 mJ a sample",
        "throttled: sw power cap 80% of the time, SM clock 990 of 1,980 MHz, 90 °C",
        "PCIe link 5.0 x8, at most 5.0 x16, 800 MB/s to the GPU, 200 MB/s from the GPU, "
        "shared with 2 other processes (20 GiB)",
    ]
    assert [line.warning for line in gpu_lines(FULL)] == [False, False, False, True, True]


def test_the_caveat_is_said_once() -> None:
    assert text(FULL, explained=True)[0] == f"{NAME}: busy 99%, memory 13 GiB of 80 GiB"


def test_what_holds_nothing_back_is_not_shown() -> None:
    quiet = Gpu(
        index=0,
        name=NAME,
        utilization_percent=50.0,
        temperature_c=60.0,
        sm_clock_mhz=1980.0,
        pcie_generation=4,
        pcie_generation_max=4,
        pcie_width=16,
        pcie_width_max=16,
        pcie_rx_bytes_per_s=1e9,
        other_processes=0,
    )
    assert text(quiet, explained=True) == [
        f"{NAME}: busy 50%, memory n/a",
        "PCIe 1 GB/s to the GPU",
    ]
    assert not any(line.warning for line in gpu_lines(quiet))


def test_a_gpu_of_which_nothing_is_known_has_one_line_and_no_zero() -> None:
    assert text(Gpu(index=1, name=NAME)) == [f"{NAME}: busy n/a, memory n/a"]


def test_every_field_that_can_be_missing_has_a_name() -> None:
    spoken = {field for field, _ in SPOKEN}
    never = {"index", "name", "uuid", "mig", "samples"}
    assert spoken == {field.name for field in fields(Gpu)} - never
