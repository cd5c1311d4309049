"""What a stand-in driver says: its GPUs, their figures over time, and what goes wrong.

`Scenario.render` writes the file that the C side reads, one statement a line:

    start SECONDS                        time.perf_counter() at scenario time 0; without this line
                                         it is the first nvmlInit of each process
    driver VERSION | nvml VERSION | cuda NUMBER
    log PATH                             append a line for each call; see `read_log`
    gpu INDEX name|uuid|pci "TEXT"
    gpu INDEX FIGURE SERIES              FIGURE is a field of FakeGpu
    gpu INDEX gpm METRIC SERIES          METRIC is the number of a NVML_GPM_METRIC_…
    gpu INDEX process PID BYTES|na [graphics] [from TIME] [to TIME]
    gpu INDEX mig SLOT …                 an instance, which is stated as a GPU is
    fail FUNCTION ERROR [RULE]           ERROR as in not_supported
    slow FUNCTION SECONDS [RULE]
    lost gpu INDEX [RULE]                every function that is asked of that GPU

SERIES is one number, or `TIME:VALUE TIME:VALUE …`, and after them `every PERIOD` where they
repeat. RULE is any of `gpu INDEX`, `after CALLS`, `for CALLS`, `at TIME`. Times are in seconds
since the start. `#` begins a comment. A line that is not understood makes nvmlInit fail with
NVMLError_Unknown, and goes to standard error.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Series:
    """A value over time, in steps of (seconds since the start, value from then on).

    The first value holds before its time too: the card has a past before the scenario starts.
    With `every_s` the steps, which then begin at 0, repeat with that period.
    """

    steps: tuple[tuple[float, float], ...]
    every_s: float | None = None

    def __str__(self) -> str:
        steps = " ".join(f"{time_s!r}:{value!r}" for time_s, value in self.steps)
        return steps if self.every_s is None else f"{steps} every {self.every_s!r}"


def steps(*pairs: tuple[float, float]) -> Series:
    """`steps((0, 10), (1.5, 100))`: 10 until 1.5 s, 100 from then on."""
    return Series(pairs)


def bursts(every_s: float, busy_s: float, high: float, low: float = 0) -> Series:
    """`high` for the first `busy_s` of each `every_s`, and `low` for the rest."""
    return Series(((0, high), (busy_s, low)), every_s)


Figure = float | Series | None


@dataclass(frozen=True)
class FakeProcess:
    """A process in the driver's list.

    `self` is whoever asks the driver, `child` each process that it has started: gputune asks, and
    its child is the user's script. None for the memory is what a driver says that does not know.
    """

    pid: int | Literal["self", "child"]
    memory_bytes: int | None = 0
    graphics: bool = False
    from_s: float | None = None
    to_s: float | None = None

    def __str__(self) -> str:
        words = [str(self.pid), "na" if self.memory_bytes is None else str(self.memory_bytes)]
        words += ["graphics"] if self.graphics else []
        words += [] if self.from_s is None else ["from", repr(self.from_s)]
        words += [] if self.to_s is None else ["to", repr(self.to_s)]
        return " ".join(words)


@dataclass(frozen=True)
class FakeGpu:
    """A GPU, or an instance of one. What is None, the device does not support.

    A figure is a number, or a Series where it changes. Units are in the names; what has none is
    NVML's own number (generations, bits of clock-event reasons, architectures, modes).
    """

    name: str = "Fake GPU"
    # None: made up from the index. "": the device has none.
    uuid: str | None = None
    pci: str | None = None

    # Where the window is stated, what is answered is the average over that long before the call,
    # as of a real card; without it, the value of the moment.
    utilization_percent: Figure = None
    utilization_window_s: Figure = None
    memory_utilization_percent: Figure = None
    memory_total_bytes: Figure = None
    memory_used_bytes: Figure = None
    # Kept by the driver: the first version of the memory query counts it as used.
    memory_reserved_bytes: Figure = None

    power_w: Figure = None
    power_window_s: Figure = None
    power_limit_w: Figure = None
    power_default_limit_w: Figure = None
    # The counter is the offset plus the integral of power_w since the start. It begins again at 0
    # when it reaches the wrap, and at the time of the reset. It changes once in each update.
    energy_offset_mj: Figure = None
    energy_wrap_mj: Figure = None
    energy_reset_s: Figure = None
    energy_update_s: Figure = None

    clock_graphics_mhz: Figure = None
    clock_sm_mhz: Figure = None
    clock_memory_mhz: Figure = None
    clock_video_mhz: Figure = None
    max_clock_graphics_mhz: Figure = None
    max_clock_sm_mhz: Figure = None
    max_clock_memory_mhz: Figure = None
    max_clock_video_mhz: Figure = None
    application_clock_graphics_mhz: Figure = None
    application_clock_sm_mhz: Figure = None
    application_clock_memory_mhz: Figure = None
    application_clock_video_mhz: Figure = None
    default_application_clock_graphics_mhz: Figure = None
    default_application_clock_sm_mhz: Figure = None
    default_application_clock_memory_mhz: Figure = None
    default_application_clock_video_mhz: Figure = None

    temperature_c: Figure = None
    memory_temperature_c: Figure = None
    shutdown_temperature_c: Figure = None
    slowdown_temperature_c: Figure = None
    memory_max_temperature_c: Figure = None
    gpu_max_temperature_c: Figure = None

    throttle_reasons: Figure = None
    throttle_reasons_supported: Figure = None
    # The share of the time, 0 to 1, in which the clocks are held back for power, for heat.
    violation_power: Figure = None
    violation_thermal: Figure = None

    pcie_generation: Figure = None
    pcie_width: Figure = None
    pcie_max_generation: Figure = None
    pcie_max_width: Figure = None
    # From the GPU (tx) and to it (rx), in kB/s: 1000 bytes a second.
    pcie_tx_kb_per_s: Figure = None
    pcie_rx_kb_per_s: Figure = None
    # Where the byte counters (fields 197 and 198) begin again at 0.
    pcie_bytes_wrap: Figure = None

    compute_major: Figure = None
    compute_minor: Figure = None
    architecture: Figure = None
    memory_bus_bits: Figure = None
    cores: Figure = None
    multiprocessors: Figure = None
    persistence_mode: Figure = None
    compute_mode: Figure = None
    performance_state: Figure = None

    # What nvmlDeviceGetSamples has: one sample each period (at its multiples, counted from the
    # start), the last so many. Utilisation and power are averages over the period that ends at the
    # sample's time; the clocks are what they were at that time.
    utilization_samples_period_s: Figure = None
    utilization_samples_kept: Figure = None
    power_samples_period_s: Figure = None
    power_samples_kept: Figure = None
    clock_samples_period_s: Figure = None
    clock_samples_kept: Figure = None

    gpm_supported: Figure = None
    mig_mode: Figure = None
    mig_slots: Figure = None
    # Of an instance only.
    gpu_instance: Figure = None
    compute_instance: Figure = None
    gpu_instance_slices: Figure = None
    compute_instance_slices: Figure = None

    # By NVML_GPM_METRIC_…; the unit is NVML's: percent, or MiB/s for the links.
    gpm: Mapping[int, float | Series] = field(default_factory=dict)
    processes: tuple[FakeProcess, ...] = ()
    # By slot; None is a slot that is not in use.
    instances: tuple[FakeGpu | None, ...] = ()


FIGURES = tuple(
    one.name
    for one in dataclasses.fields(FakeGpu)
    if one.name not in ("name", "uuid", "pci", "gpm", "processes", "instances")
)


@dataclass(frozen=True)
class Fail:
    """A function fails: after so many calls that succeed, for so many (None: for good).

    `error` is the name as in NVML_ERROR_…, in small letters. A function without a version stands
    for each of its versions, and nvmlInit for nvmlInitWithFlags. Each process counts for itself.
    """

    function: str
    error: str
    gpu: int | None = None
    after_calls: int = 0
    calls: int | None = None
    at_s: float | None = None

    def __str__(self) -> str:
        return f"fail {self.function} {self.error}" + _rule(
            gpu=self.gpu, after=self.after_calls or None, calls=self.calls, at=self.at_s
        )


@dataclass(frozen=True)
class Slow:
    """A function takes so much longer."""

    function: str
    seconds: float
    gpu: int | None = None

    def __str__(self) -> str:
        return f"slow {self.function} {self.seconds!r}" + _rule(gpu=self.gpu)


@dataclass(frozen=True)
class Lost:
    """A GPU falls off the bus, after so many calls or at a time: every function then says so."""

    gpu: int
    after_calls: int = 0
    at_s: float | None = None

    def __str__(self) -> str:
        return "lost" + _rule(gpu=self.gpu, after=self.after_calls or None, at=self.at_s)


@dataclass(frozen=True)
class Scenario:
    """A machine with an NVIDIA driver.

    `start_s` is the time.perf_counter() of scenario time 0; None is the first nvmlInit of each
    process. `missing` are functions that the library does not have, `*` standing for anything, as
    in `nvmlGpm*`. `log` is a file that gets a line for each call; see `read_log`.
    """

    gpus: tuple[FakeGpu, ...] = ()
    driver: str = "550.54.15"
    nvml: str = "12.550.54.15"
    cuda: int = 12040
    start_s: float | None = None
    rules: tuple[Fail | Slow | Lost, ...] = ()
    missing: tuple[str, ...] = ()
    log: Path | None = None

    def starting(self, in_s: float = 0) -> Scenario:
        """The same, with time 0 in so many seconds from now, for every process."""
        return dataclasses.replace(self, start_s=time.perf_counter() + in_s)

    def logging(self, log: Path) -> Scenario:
        """The same, with its calls logged."""
        return dataclasses.replace(self, log=log)

    def render(self) -> str:
        """The scenario as the file that the library reads."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        if self.start_s is not None:
            yield f"start {self.start_s!r}"
        if self.log is not None:
            yield f"log {_quoted(str(self.log))}"
        if self.driver:
            yield f"driver {_quoted(self.driver)}"
        if self.nvml:
            yield f"nvml {_quoted(self.nvml)}"
        yield f"cuda {self.cuda}"
        for index, gpu in enumerate(self.gpus):
            yield from _device(gpu, f"gpu {index}", f"GPU-{index:08x}", f"{0x1B + index:02X}")
        yield from map(str, self.rules)


def _device(gpu: FakeGpu, where: str, uuid: str, bus: str | None) -> Iterator[str]:
    made_up = {
        "uuid": f"{uuid}-0000-4000-8000-000000000000",
        "pci": "" if bus is None else f"00000000:{bus}:00.0",
    }
    yield f"{where} name {_quoted(gpu.name)}"
    for name, default in made_up.items():
        text = default if getattr(gpu, name) is None else getattr(gpu, name)
        if text:
            yield f"{where} {name} {_quoted(text)}"
    for name in FIGURES:
        figure = getattr(gpu, name)
        if figure is not None:
            yield f"{where} {name} {_figure(figure)}"
    for metric, figure in gpu.gpm.items():
        yield f"{where} gpm {metric} {_figure(figure)}"
    for process in gpu.processes:
        yield f"{where} process {process}"
    for slot, instance in enumerate(gpu.instances):
        if instance is not None:
            unique = f"{uuid.replace('GPU', 'MIG')[:-1]}{slot + 1}"
            yield from _device(instance, f"{where} mig {slot}", unique, None)


def _figure(figure: float | Series) -> str:
    return str(figure) if isinstance(figure, Series) else repr(float(figure))


def _rule(
    gpu: int | None = None,
    after: int | None = None,
    calls: int | None = None,
    at: float | None = None,
) -> str:
    words = {"gpu": gpu, "after": after, "for": calls, "at": at}
    return "".join(f" {word} {value!r}" for word, value in words.items() if value is not None)


def _quoted(text: str) -> str:
    if '"' in text or "\n" in text:
        raise ValueError(f"the scenario file has no way to say {text!r}")
    return f'"{text}"'
