"""What every renderer says of the GPUs: a few lines each, the same words everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gputune.report import figures
from gputune.schema.gpu import Gpu

SPOKEN: Final = (
    ("compute_capability", "compute capability"),
    ("utilization_percent", "GPU utilization"),
    ("utilization_p5_percent", "its 5th percentile"),
    ("utilization_p95_percent", "its 95th percentile"),
    ("sm_active_percent", "SMs active"),
    ("sm_occupancy_percent", "SM occupancy"),
    ("tensor_active_percent", "tensor cores active"),
    ("dram_active_percent", "GPU memory bandwidth"),
    ("memory_used_bytes", "GPU memory"),
    ("memory_total_bytes", "size of the GPU memory"),
    ("power_w", "GPU power"),
    ("power_limit_w", "GPU power limit"),
    ("energy_j_per_step", "energy a step"),
    ("energy_j_per_sample", "energy a sample"),
    ("temperature_c", "GPU temperature"),
    ("sm_clock_mhz", "SM clock"),
    ("sm_clock_max_mhz", "highest SM clock"),
    ("memory_clock_mhz", "memory clock"),
    ("throttled", "throttling"),
    ("pcie_generation", "PCIe generation"),
    ("pcie_generation_max", "highest PCIe generation"),
    ("pcie_width", "PCIe width"),
    ("pcie_width_max", "widest PCIe link"),
    ("pcie_rx_bytes_per_s", "PCIe traffic to the GPU"),
    ("pcie_tx_bytes_per_s", "PCIe traffic from the GPU"),
    ("other_processes", "other processes on the GPU"),
    ("other_processes_bytes", "their GPU memory"),
)
"""Short names of the fields of a Gpu."""
_SELDOM: Final = 0.005
"""A throttle reason in fewer of the samples than this is not shown: the record has it."""


@dataclass(frozen=True, kw_only=True)
class GpuLine:
    """Figures of a GPU that stand side by side, after the words that lead them in.

    `warning` where they say that something holds the GPU back.
    """

    lead: str = ""
    figures: tuple[str, ...]
    warning: bool = False


def gpu_lines(gpu: Gpu, *, explained: bool = False) -> list[GpuLine]:
    """Return what is known of a GPU, each figure with its unit, in at most five lines.

    The first line says what the utilisation means, unless that was `explained` before.
    """
    around = _link(gpu) + _others(gpu)
    lines = (
        GpuLine(lead=f"{gpu.name}: ", figures=_busy(gpu, explained)),
        GpuLine(figures=_full(gpu)),
        GpuLine(figures=_power(gpu)),
        GpuLine(lead="throttled: ", figures=_held(gpu), warning=True),
        GpuLine(figures=around, warning=_narrow(gpu) or bool(gpu.other_processes)),
    )
    return [line for line in lines if line.figures]


def _busy(gpu: Gpu, explained: bool) -> tuple[str, ...]:
    busy = f"busy {figures.percent(gpu.utilization_percent)}"
    if gpu.utilization_percent is not None and not explained:
        busy += " (the time with at least one kernel, however small)"
    memory = f"memory {figures.size(gpu.memory_used_bytes)}"
    if gpu.memory_total_bytes is not None:
        memory += f" of {figures.size(gpu.memory_total_bytes)}"
    return busy, memory


def _full(gpu: Gpu) -> tuple[str, ...]:
    """How full the chip was: GPM's figures."""
    known = (
        (gpu.sm_active_percent, "SMs active"),
        (gpu.sm_occupancy_percent, "occupancy"),
        (gpu.tensor_active_percent, "tensor cores"),
        (gpu.dram_active_percent, "memory bandwidth"),
    )
    return tuple(f"{label} {figures.percent(value)}" for value, label in known if value is not None)


def _power(gpu: Gpu) -> tuple[str, ...]:
    found = []
    if gpu.power_w is not None:
        limit = "" if gpu.power_limit_w is None else f" of {figures.number(gpu.power_limit_w)}"
        found.append(f"{figures.number(gpu.power_w)}{limit} W")
    if gpu.energy_j_per_step is not None:
        found.append(f"{figures.energy(gpu.energy_j_per_step)} a step")
    if gpu.energy_j_per_sample is not None:
        found.append(f"{figures.energy(gpu.energy_j_per_sample)} a sample")
    return tuple(found)


def _held(gpu: Gpu) -> tuple[str, ...]:
    """The reasons for which the clocks were held down, and how low that left them."""
    reasons = [
        f"{one.name} {figures.share(one.fraction)} of the time"
        for one in gpu.throttled
        if one.fraction >= _SELDOM
    ]
    if not reasons:
        return ()
    if gpu.sm_clock_mhz is not None:
        most = "" if gpu.sm_clock_max_mhz is None else f" of {figures.count(gpu.sm_clock_max_mhz)}"
        reasons.append(f"SM clock {figures.number(gpu.sm_clock_mhz)}{most} MHz")
    if gpu.temperature_c is not None:
        reasons.append(f"{figures.count(gpu.temperature_c)} °C")
    return tuple(reasons)


def _narrow(gpu: Gpu) -> bool:
    pairs = (
        (gpu.pcie_generation, gpu.pcie_generation_max),
        (gpu.pcie_width, gpu.pcie_width_max),
    )
    return any(now is not None and most is not None and now < most for now, most in pairs)


def _link(gpu: Gpu) -> tuple[str, ...]:
    found = []
    if _narrow(gpu):
        now = _speed(gpu.pcie_generation, gpu.pcie_width)
        most = _speed(gpu.pcie_generation_max, gpu.pcie_width_max)
        found.append(f"PCIe link {now}, at most {most}")
    traffic: Sequence[tuple[float | None, str]] = (
        (gpu.pcie_rx_bytes_per_s, "to"),
        (gpu.pcie_tx_bytes_per_s, "from"),
    )
    for value, direction in traffic:
        if value is not None:
            link = "" if found else "PCIe "
            found.append(f"{link}{figures.byte_rate(value)} {direction} the GPU")
    return tuple(found)


def _speed(generation: int | None, width: int | None) -> str:
    return f"{generation or '?'}.0 x{width or '?'}"


def _others(gpu: Gpu) -> tuple[str, ...]:
    if not gpu.other_processes:
        return ()
    several = "es" if gpu.other_processes > 1 else ""
    size = gpu.other_processes_bytes
    held = "" if size is None else f" ({figures.size(size)})"
    return (f"shared with {figures.count(gpu.other_processes)} other process{several}{held}",)
