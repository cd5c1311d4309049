"""Ready-made machines. Change one with dataclasses.replace.

Sizes, limits and clocks are those of the data sheets; the load is one that is easy to check.
"""

from __future__ import annotations

import dataclasses

from tests.fakes.nvml.scenario import (
    Fail,
    FakeGpu,
    FakeProcess,
    Lost,
    Scenario,
    bursts,
    steps,
)

GIB = 2**30

# Bits of the clock-event reasons.
IDLE = 0x1
SW_POWER_CAP = 0x4
HW_SLOWDOWN = 0x8
SW_THERMAL_SLOWDOWN = 0x20
HW_THERMAL_SLOWDOWN = 0x40

# GPM's metrics, by NVML's numbers.
GRAPHICS_UTIL = 1
SM_UTIL = 2
SM_OCCUPANCY = 3
ANY_TENSOR_UTIL = 5
HMMA_TENSOR_UTIL = 7
DRAM_BW_UTIL = 10
FP64_UTIL = 11
FP32_UTIL = 12
FP16_UTIL = 13
PCIE_TX_PER_SEC = 20
PCIE_RX_PER_SEC = 21

# How real cards buffer, near enough: sixths of a second for utilisation, 20 ms for the rest.
_BUFFERED = FakeGpu(
    utilization_samples_period_s=1 / 6,
    utilization_samples_kept=100,
    power_samples_period_s=0.02,
    power_samples_kept=120,
    clock_samples_period_s=0.02,
    clock_samples_kept=100,
)

A100 = dataclasses.replace(
    _BUFFERED,
    name="NVIDIA A100-SXM4-80GB",
    utilization_percent=60,
    memory_utilization_percent=30,
    memory_total_bytes=80 * GIB,
    memory_used_bytes=10 * GIB,
    memory_reserved_bytes=GIB // 2,
    power_w=250,
    power_limit_w=400,
    power_default_limit_w=400,
    energy_offset_mj=1_000_000,
    clock_graphics_mhz=1410,
    clock_sm_mhz=1410,
    clock_memory_mhz=1593,
    clock_video_mhz=1275,
    max_clock_graphics_mhz=1410,
    max_clock_sm_mhz=1410,
    max_clock_memory_mhz=1593,
    max_clock_video_mhz=1290,
    application_clock_graphics_mhz=1275,
    application_clock_memory_mhz=1593,
    default_application_clock_graphics_mhz=1275,
    default_application_clock_memory_mhz=1593,
    temperature_c=52,
    memory_temperature_c=60,
    shutdown_temperature_c=92,
    slowdown_temperature_c=89,
    memory_max_temperature_c=95,
    gpu_max_temperature_c=85,
    throttle_reasons=0,
    throttle_reasons_supported=0x1FF,
    violation_power=0,
    violation_thermal=0,
    pcie_generation=4,
    pcie_width=16,
    pcie_max_generation=4,
    pcie_max_width=16,
    pcie_tx_kb_per_s=200_000,
    pcie_rx_kb_per_s=800_000,
    compute_major=8,
    compute_minor=0,
    architecture=7,
    memory_bus_bits=5120,
    cores=6912,
    persistence_mode=1,
    compute_mode=0,
    performance_state=0,
    gpm_supported=0,
    mig_mode=0,
)

H100 = dataclasses.replace(
    A100,
    name="NVIDIA H100 80GB HBM3",
    power_w=400,
    power_limit_w=700,
    power_default_limit_w=700,
    clock_graphics_mhz=1980,
    clock_sm_mhz=1980,
    clock_memory_mhz=2619,
    clock_video_mhz=1545,
    max_clock_graphics_mhz=1980,
    max_clock_sm_mhz=1980,
    max_clock_memory_mhz=2619,
    max_clock_video_mhz=1545,
    application_clock_graphics_mhz=1980,
    application_clock_memory_mhz=2619,
    default_application_clock_graphics_mhz=1980,
    default_application_clock_memory_mhz=2619,
    pcie_generation=5,
    pcie_max_generation=5,
    compute_major=9,
    compute_minor=0,
    architecture=9,
    cores=16896,
    gpm_supported=1,
    gpm={
        GRAPHICS_UTIL: 60,
        SM_UTIL: 45,
        SM_OCCUPANCY: 30,
        ANY_TENSOR_UTIL: 20,
        HMMA_TENSOR_UTIL: 20,
        DRAM_BW_UTIL: 30,
        FP64_UTIL: 0,
        FP32_UTIL: 12,
        FP16_UTIL: 1,
        PCIE_TX_PER_SEC: 190,
        PCIE_RX_PER_SEC: 760,
    },
)


def none_at_all() -> Scenario:
    """A driver, and no GPU."""
    return Scenario()


def a100() -> Scenario:
    """One GPU, steadily at 60 %, which has everything but GPM."""
    return Scenario((A100,))


def h100() -> Scenario:
    """One GPU, steadily at 60 %, with GPM."""
    return Scenario((H100,))


def two_gpus() -> Scenario:
    """One GPU that works, and one that idles."""
    return Scenario((H100, _idle(H100)))


def eight_gpus() -> Scenario:
    """Eight GPUs at 10 %, 20 % and so on to 80 %, all for the script that gputune runs."""
    return Scenario(
        tuple(
            dataclasses.replace(
                H100,
                utilization_percent=10 * (index + 1),
                processes=(FakeProcess("child", GIB),),
            )
            for index in range(8)
        )
    )


def mig() -> Scenario:
    """A GPU that is divided in two, in slots 0 and 2 of 7: it answers no utilisation itself."""
    small = FakeGpu(
        name="NVIDIA H100 80GB HBM3 MIG 3g.40gb",
        memory_total_bytes=40 * GIB,
        memory_used_bytes=4 * GIB,
        memory_reserved_bytes=0,
        multiprocessors=60,
        gpu_instance=1,
        compute_instance=0,
        gpu_instance_slices=3,
        compute_instance_slices=3,
        gpm_supported=1,
        gpm={GRAPHICS_UTIL: 80, SM_UTIL: 70},
        processes=(FakeProcess("child", 4 * GIB),),
    )
    other = dataclasses.replace(
        small,
        gpu_instance=2,
        memory_used_bytes=GIB,
        gpm={GRAPHICS_UTIL: 20, SM_UTIL: 10},
        processes=(),
    )
    parent = dataclasses.replace(
        H100,
        utilization_percent=None,
        memory_utilization_percent=None,
        mig_mode=1,
        mig_slots=7,
        instances=(small, None, other),
    )
    return Scenario((parent,))


def old_driver() -> Scenario:
    """A driver from before GPM, event reasons, kept-memory figures and MIG."""
    card = dataclasses.replace(
        A100,
        name="Tesla V100-SXM2-16GB",
        memory_total_bytes=16 * GIB,
        compute_major=7,
        architecture=5,
        cores=5120,
        memory_bus_bits=4096,
        power_limit_w=300,
        gpm_supported=None,
        mig_mode=None,
    )
    return Scenario(
        (card,),
        driver="418.87.00",
        nvml="10.418.87.00",
        cuda=10010,
        missing=(
            "nvmlGpm*",
            "*Mig*",
            "nvmlDeviceGet*InstanceId",
            "nvmlDeviceGetAttributes_v2",
            "*ClocksEventReasons",
            "nvmlDeviceGetMemoryInfo_v2",
            "*RunningProcesses_v2",
            "*RunningProcesses_v3",
            "nvmlDeviceGetTemperatureV",
            "nvmlDeviceGetArchitecture",
            "nvmlDeviceGetMemoryBusWidth",
            "nvmlDeviceGetNumGpuCores",
        ),
    )


def not_supported() -> Scenario:
    """A small card that knows its name, its memory and its temperature only."""
    card = FakeGpu(
        name="NVIDIA GeForce MX150",
        memory_total_bytes=2 * GIB,
        memory_used_bytes=GIB,
        memory_reserved_bytes=0,
        temperature_c=55,
    )
    return Scenario((card,))


def no_permission() -> Scenario:
    """A machine whose administrator keeps the counters and the processes to himself."""
    refused = (
        "nvmlDeviceGetUtilizationRates",
        "nvmlDeviceGetSamples",
        "nvmlDeviceGetTotalEnergyConsumption",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetPcieThroughput",
        "nvmlGpmSampleGet",
    )
    return Scenario((H100,), rules=tuple(Fail(function, "no_permission") for function in refused))


def lost(after_calls: int = 20) -> Scenario:
    """Two GPUs, of which the second falls off the bus after so many calls."""
    return Scenario((H100, H100), rules=(Lost(1, after_calls),))


def wrapping() -> Scenario:
    """At 500 W the energy counter, of 2000 J, wraps 1 s after the start, and so each 4 s."""
    card = dataclasses.replace(
        H100,
        power_w=500,
        energy_offset_mj=1_500_000,
        energy_wrap_mj=2_000_000,
        pcie_bytes_wrap=2**32,
    )
    return Scenario((card,))


def bursty() -> Scenario:
    """Busy for 50 ms of each 200 ms: on average 25 %, 20 % of tensor work and 250 W."""
    card = dataclasses.replace(
        H100,
        utilization_percent=bursts(0.2, 0.05, 100),
        memory_utilization_percent=bursts(0.2, 0.05, 40),
        power_w=bursts(0.2, 0.05, 700, 100),
        throttle_reasons=bursts(0.2, 0.05, 0, IDLE),
        gpm={
            GRAPHICS_UTIL: bursts(0.2, 0.05, 100),
            SM_UTIL: bursts(0.2, 0.05, 96),
            ANY_TENSOR_UTIL: bursts(0.2, 0.05, 80),
        },
    )
    return Scenario((card,))


def throttled() -> Scenario:
    """Held back for power from the start, and for heat too from 1 s on, at half the clock."""
    card = dataclasses.replace(
        H100,
        utilization_percent=100,
        power_w=700,
        clock_sm_mhz=steps((0, 1500), (1, 990)),
        clock_graphics_mhz=steps((0, 1500), (1, 990)),
        temperature_c=steps((0, 80), (1, 90)),
        throttle_reasons=steps((0, SW_POWER_CAP), (1, SW_POWER_CAP | SW_THERMAL_SLOWDOWN)),
        violation_power=1,
        violation_thermal=steps((0, 0), (1, 1)),
    )
    return Scenario((card,))


def shared(other_pid: int = 4242) -> Scenario:
    """The script that gputune runs has 4 GiB of the GPU, and a stranger 20 GiB from 1 s on."""
    card = dataclasses.replace(
        H100,
        memory_used_bytes=steps((0, 4 * GIB), (1, 24 * GIB)),
        processes=(
            FakeProcess("child", 4 * GIB),
            FakeProcess(other_pid, 20 * GIB, from_s=1),
        ),
    )
    return Scenario((card,))


def wsl2() -> Scenario:
    """A GPU behind Windows: name, memory, temperature, power and clocks, and little else."""
    card = FakeGpu(
        name="NVIDIA GeForce RTX 4090",
        memory_total_bytes=24 * GIB,
        memory_used_bytes=2 * GIB,
        memory_reserved_bytes=GIB // 4,
        power_w=120,
        power_limit_w=450,
        temperature_c=48,
        clock_graphics_mhz=2520,
        clock_sm_mhz=2520,
        clock_memory_mhz=10501,
        max_clock_sm_mhz=3105,
        pcie_generation=4,
        pcie_width=16,
        compute_major=8,
        compute_minor=9,
        architecture=8,
        gpm_supported=0,
    )
    refused = ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses")
    return Scenario((card,), rules=tuple(Fail(function, "not_supported") for function in refused))


def not_loaded() -> Scenario:
    """The library is installed, and the kernel's module is not loaded."""
    return Scenario(rules=(Fail("nvmlInit", "driver_not_loaded"),))


def mismatch() -> Scenario:
    """The library is of another release than the kernel's module, as after an update."""
    return Scenario((H100,), rules=(Fail("nvmlInit", "lib_rm_version_mismatch"),))


ALL = {
    make.__name__: make
    for make in (
        *(none_at_all, a100, h100, two_gpus, eight_gpus, mig, old_driver, not_supported),
        *(no_permission, lost, wrapping, bursty, throttled, shared, wsl2, not_loaded, mismatch),
    )
}


def _idle(card: FakeGpu) -> FakeGpu:
    """The same card, doing nothing, with its clocks and its link turned down."""
    return dataclasses.replace(
        card,
        utilization_percent=0,
        memory_utilization_percent=0,
        memory_used_bytes=0,
        power_w=70,
        clock_graphics_mhz=345,
        clock_sm_mhz=345,
        temperature_c=30,
        throttle_reasons=IDLE,
        pcie_generation=1,
        pcie_tx_kb_per_s=0,
        pcie_rx_kb_per_s=0,
        performance_state=8,
        gpm=dict.fromkeys(card.gpm, 0),
    )
