"""The GPU's side of a profile: sensors, memory, transfers by arithmetic, floating-point work.

As everywhere in the Profile, a quantity that was not or could not be measured is None, and
`Profile.unavailable` says why, by its path: `gpus.power_w`, `compute.mfu_fraction`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """A reason for which the driver held the clocks down.

    `fraction` is the share of the samples of the clean phase in which it was set. `name` is the
    driver's, in words: `sw power cap`, `hw thermal slowdown`. That a GPU is idle is no reason.
    """

    name: str
    fraction: float


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU over the clean phase, by the driver's sensors (NVML): means unless said otherwise.

    `utilization_percent` is the share of time with at least one kernel running. A tiny kernel
    saturates it; it does not say how full the chip is. What does, on Hopper and newer, are the
    GPM figures: `sm_active_percent` (SMs with a warp in flight), `sm_occupancy_percent` (warps in
    flight of those that would fit), `tensor_active_percent` (cycles in which the tensor cores
    worked), `dram_active_percent` (share of the memory's peak bandwidth).
    """

    index: int
    """Its number in the script, as in `GPU:0`."""
    name: str
    uuid: str | None = None
    mig: bool = False
    """Whether it is an instance of a GPU that is split (MIG)."""
    compute_capability: str | None = None
    """`9.0`."""

    utilization_percent: float | None = None
    utilization_p5_percent: float | None = None
    utilization_p95_percent: float | None = None
    sm_active_percent: float | None = None
    sm_occupancy_percent: float | None = None
    tensor_active_percent: float | None = None
    dram_active_percent: float | None = None

    memory_used_bytes: int | None = None
    """The most that was in use by anybody, the driver's own share included."""
    memory_total_bytes: int | None = None

    power_w: float | None = None
    power_limit_w: float | None = None
    energy_j_per_step: float | None = None
    """From the driver's energy counter over the clean phase, idle power included."""
    energy_j_per_sample: float | None = None
    temperature_c: float | None = None
    """The highest."""
    sm_clock_mhz: float | None = None
    sm_clock_max_mhz: float | None = None
    memory_clock_mhz: float | None = None
    throttled: tuple[Throttle, ...] = ()

    pcie_generation: int | None = None
    """Of the link as it was while training: an idle GPU lowers it."""
    pcie_generation_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    pcie_rx_bytes_per_s: float | None = None
    """Received by the GPU: from the host to the device."""
    pcie_tx_bytes_per_s: float | None = None

    other_processes: int | None = None
    """Processes that held a context on the GPU and were none of the script's, the most at once."""
    other_processes_bytes: int | None = None

    samples: int = 0


@dataclass(frozen=True, kw_only=True)
class DeviceActivity:
    """What one GPU did in the traced steps, from the trace. Fractions are of the traced time.

    `idle_fraction` is split, exclusively, into waiting for the input (the host waits for it too),
    waiting for the host (the next kernel was launched only after the last one had ended), gaps
    between kernels that were launched in time, and other.
    """

    index: int
    busy_fraction: float | None = None
    idle_fraction: float | None = None
    idle_input_fraction: float | None = None
    idle_host_fraction: float | None = None
    idle_gaps_fraction: float | None = None
    idle_other_fraction: float | None = None
    kernels_per_step: float | None = None
    kernel_median_s: float | None = None
    launch_delay_median_s: float | None = None
    """From the call that launches a kernel to the kernel's start."""
    half_precision_fraction: float | None = None
    """Of the kernels' time: kernels that by their names compute in 16 bits."""
    tensor_core_fraction: float | None = None
    """Of the kernels' time: kernels that by their names use tensor cores."""
    pageable_fraction: float | None = None
    """Of the bytes copied to the device: from memory that is not pinned."""


@dataclass(frozen=True, kw_only=True)
class DeviceMemory:
    """TensorFlow's own account of one GPU's memory, beside which the driver's stands in `Gpu`.

    `current_bytes` and `peak_bytes` are what tensors held, at the end of the clean phase and at
    most since `peak_since`. `reserved_bytes` is what TensorFlow had taken from the driver.
    """

    index: int
    current_bytes: int | None = None
    peak_bytes: int | None = None
    peak_since: str = ""
    """`clean phase`; `start` (of the script) under `--full`, where its peak is left alone."""
    reserved_bytes: int | None = None
    growth: bool | None = None
    """Whether TensorFlow takes memory as it needs it (memory growth)."""
    limit_bytes: int | None = None
    """The most that TensorFlow would take: the device's logical limit."""
    limit_source: str = ""
    """`configured` by the script, or that it is an estimate from the driver's total."""
    head_room_bytes: int | None = None
    """`limit_bytes - peak_bytes`."""
    batch_bytes_per_sample: float | None = None
    """How the peak grows with one more sample in the batch: from two batch sizes."""
    predicted_max_batch_size: int | None = None
    """The largest batch whose peak would stay within the limit, from the same two points."""


@dataclass(frozen=True, kw_only=True)
class ElementTransfer:
    """What a step must move to the device, by the element that the dataset gives.

    `expected_h2d_bytes_per_step` is the size of one batch: for each component of the element its
    shape's product times its dtype's size. None where a dimension is not known. Components that
    the host alone keeps (strings) count nothing.
    """

    components: tuple[str, ...] = ()
    """Each component as TensorFlow writes it: `float32[32,224,224,3]`."""
    expected_h2d_bytes_per_step: float | None = None
    narrower_bytes_per_step: float | None = None
    """The same where components that were cast from a narrower type on the host (uint8 to
    float32) were sent as they were before, and those that are wider than what the model computes
    in (float64) in its type; None where neither was seen."""
    casts: tuple[str, ...] = ()
    """Those components: `uint8 -> float32[32,224,224,3]`, by the type that would do."""


@dataclass(frozen=True, kw_only=True)
class LayerNote:
    """A layer that tensor cores serve badly: `dimension` is not a multiple of `wanted`."""

    layer: str
    kind: str
    """Keras' class: `Dense`, `Conv2D`."""
    dimension: str
    """`units`, `input features`, `filters`, `input channels`."""
    size: int
    wanted: int


@dataclass(frozen=True, kw_only=True)
class Compute:
    """The floating-point work of a step, and what the device could do.

    `flops_per_step` counts a multiply and an add as two, forward and backward as they are in the
    traced training function. `mfu_fraction` is `flops_per_step / (step time * peak)`.
    """

    flops_per_step: float | None = None
    flops_source: str = ""
    """How they were counted; empty where they were not."""
    compute_dtype: str | None = None
    """The type that layers compute in, by the precision policy: `float32`, `mixed_float16`;
    `mixed_float16 and float32` where they differ, the one of most layers first."""
    half_precision_fraction: float | None = None
    """Of the counted operations: those whose operands have 16 bits, in the traced function."""
    peak_flops_per_s: float | None = None
    """The devices' dense peak, all together. Where the step computes in several types it is the
    rate at which its operations would be done with each at the peak of its own type."""
    peak_source: str = ""
    mfu_fraction: float | None = None
    layers_off_size: tuple[LayerNote, ...] = ()
