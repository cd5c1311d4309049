"""What was read of the GPUs -> their figures over time windows, each missing one with why. Pure.

A window is (t0, t1) in seconds of perf_counter(); windows must not overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from gputune.schema.gpu import Gpu
from gputune.sensors import metrics
from gputune.sensors.energy import TOO_SHORT, Energy, Window, energy_in
from gputune.sensors.nvml_errors import LOST
from gputune.sensors.protocol import GpuInfo, Point, Timelines
from gputune.sensors.throttle import throttles

NO_WINDOWS: Final = "there was no clean phase to average the sensors over"
NOT_READ: Final = "no sample of it fell into the clean phase"
FEW: Final = "fewer than five samples of it fell into the clean phase"
NO_STEPS: Final = "the steps of the clean phase were not counted"
NO_BATCH: Final = "the batch size is not known"
LOST_BEFORE: Final = (
    "the GPU was lost before the clean phase ended: its figures are of the time until then"
)
_FEWEST: Final = 5
_HOLDS_S: Final = 1.0
"""What is asked for twice a second still says how it was this long after."""
_ENOUGH: Final = 0.5
"""The share of the windows that the driver's own samples must cover to be preferred."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What was trained in the windows; None where it is not known."""

    steps: int | None = None
    batch_size: int | None = None


@dataclass(frozen=True)
class GpuFigures:
    """The GPUs' figures, and why others are missing, by path in the Profile: `gpus.power_w`."""

    gpus: tuple[Gpu, ...]
    reasons: dict[str, str]


def average_gpus(
    gpus: Sequence[GpuInfo],
    points: Timelines,
    windows: Sequence[Window],
    trained: Trained,
    *,
    reasons: Mapping[tuple[int, str], str],
    lost: Mapping[int, float],
) -> GpuFigures:
    """Return each GPU over the windows.

    `reasons` and `lost` are the sensor's. Where the driver keeps samples of its own these are
    averaged; the utilisation that is polled looks back over 1/6 s to 1 s, so that windows shorter
    than that take in what was before them.
    """
    looks = [_Look(gpu, points, windows, reasons, lost=gpu.index in lost) for gpu in gpus]
    found = tuple(look.figures(trained) for look in looks)
    if not windows:
        return GpuFigures(found, {"gpus": NO_WINDOWS} if found else {})
    why = _folded({look.info.index: look.why for look in looks})
    last = max(end for _, end in windows)
    for index, at in lost.items():
        if at < last:
            why[f"gpus[{index}]"] = LOST_BEFORE
    return GpuFigures(found, why)


class _Look:
    """One GPU over the windows; `why` collects what is missing."""

    def __init__(
        self, info: GpuInfo, points: Timelines, windows: Sequence[Window],
        reasons: Mapping[tuple[int, str], str], *, lost: bool,
    ) -> None:  # fmt: skip
        self.info = info
        self.why: dict[str, str] = {}
        self._points, self._windows, self._reasons = points, windows, reasons
        self._else = LOST if lost else NOT_READ
        self._total_s = sum(end - start for start, end in windows)

    def figures(self, trained: Trained) -> Gpu:
        info = self.info
        busy = self._best(metrics.BUFFERED_UTILIZATION, metrics.UTILIZATION)
        bits = [int(one.value) for one in self._state(metrics.EVENT_REASONS)]
        if not bits:
            self.why["throttled"] = self._reason(metrics.EVENT_REASONS)
        per_step, per_sample = self._energy(trained)
        self._static()
        spans = {metric: self._mean(metric, metric, self._inside(metric)) for metric in _SPANS}
        clocks = {metric: self._mean(metric, metric, self._state(metric)) for metric in _CLOCKS}
        figures: dict[str, Any] = spans | clocks
        return Gpu(
            **{field.name: getattr(info, field.name) for field in fields(info)},
            utilization_percent=self._mean("utilization_percent", metrics.UTILIZATION, busy),
            utilization_p5_percent=self._percentile("utilization_p5_percent", busy, 5),
            utilization_p95_percent=self._percentile("utilization_p95_percent", busy, 95),
            power_w=self._mean(
                "power_w", metrics.POWER, self._best(metrics.BUFFERED_POWER, metrics.POWER)
            ),
            energy_j_per_step=per_step,
            energy_j_per_sample=per_sample,
            throttled=throttles(bits),
            memory_used_bytes=self._most(metrics.MEMORY_USED, int),
            memory_total_bytes=self._most(metrics.MEMORY_TOTAL, int),
            temperature_c=self._most(metrics.TEMPERATURE, float),
            pcie_generation=self._most(metrics.PCIE_GENERATION, int),
            pcie_width=self._most(metrics.PCIE_WIDTH, int),
            other_processes=self._most(metrics.OTHER_PROCESSES, int),
            other_processes_bytes=self._most(metrics.OTHER_BYTES, int),
            samples=max(len(self._inside(metric)) for metric in _POLLED),
            **figures,
        )

    def _static(self) -> None:
        for field in _STATIC:
            if getattr(self.info, field) is None:
                self.why[field] = self._reason(field)

    def _energy(self, trained: Trained) -> tuple[float | None, float | None]:
        both = ("energy_j_per_step", "energy_j_per_sample")
        counter = self._all(metrics.ENERGY)
        energy: Energy | str
        energy = energy_in(counter, self._windows) if counter else self._reason(metrics.ENERGY)
        if energy == TOO_SHORT and (self.info.index, metrics.ENERGY) in self._reasons:
            energy = self._reason(metrics.ENERGY)
        if isinstance(energy, str) or not trained.steps:
            reason = energy if isinstance(energy, str) else NO_STEPS
            self.why.update(dict.fromkeys(both, reason))
            return None, None
        per_step = energy.power_w * self._total_s / trained.steps
        if not trained.batch_size:
            self.why[both[1]] = NO_BATCH
            return per_step, None
        return per_step, per_step / trained.batch_size

    def _all(self, metric: str) -> Sequence[Point]:
        return self._points.get((self.info.index, metric), ())

    def _inside(self, metric: str) -> list[Point]:
        return [one for one in self._all(metric) if self._share(one) > 0]

    def _state(self, metric: str) -> list[Point]:
        """What fell into the windows, or else the last before them that still holds."""
        inside = self._inside(metric)
        if inside or not self._windows:
            return inside
        start = min(start for start, _ in self._windows)
        return [one for one in self._all(metric) if start - _HOLDS_S <= one.t < start][-1:]

    def _best(self, buffered: str, polled: str) -> Sequence[Point]:
        """The driver's own samples where they cover enough of the windows, else what was polled."""
        spans = self._inside(buffered)
        covered = sum(self._share(one) for one in spans)
        return spans if covered >= _ENOUGH * self._total_s and spans else self._inside(polled)

    def _share(self, one: Point) -> float:
        """Seconds of the windows that a span covers; for a moment 1 inside them, 0 outside."""
        if one.since is None:
            return float(any(start <= one.t < end for start, end in self._windows))
        since = one.since
        return sum(max(0.0, min(end, one.t) - max(start, since)) for start, end in self._windows)

    def _mean(self, field: str, metric: str, points: Sequence[Point]) -> float | None:
        """The mean, of spans weighted by how much of them lies in the windows."""
        weights = [self._share(one) for one in points]
        total = sum(weights)
        if total <= 0 and points and self._windows:  # the state before the windows
            weights, total = [1.0] * len(points), float(len(points))
        if total <= 0:
            self.why[field] = self._reason(metric)
            return None
        return sum(one.value * w for one, w in zip(points, weights, strict=True)) / total

    def _percentile(self, field: str, points: Sequence[Point], percent: float) -> float | None:
        mostly = [
            one.value
            for one in points
            if one.since is None or self._share(one) >= (one.t - one.since) / 2
        ]
        if len(mostly) < _FEWEST:
            self.why[field] = FEW if mostly else self._reason(metrics.UTILIZATION)
            return None
        return percentile(mostly, percent)

    def _most(self, metric: str, kind: Callable[[float], Any]) -> Any:
        points = self._state(metric)
        if not points:
            self.why[metric] = self._reason(metric)
            return None
        return kind(max(one.value for one in points))

    def _reason(self, metric: str) -> str:
        return self._reasons.get((self.info.index, metric), self._else)


_POLLED: Final = (metrics.UTILIZATION, metrics.MEMORY_USED)
_SPANS: Final = (
    metrics.SM_ACTIVE,
    metrics.SM_OCCUPANCY,
    metrics.TENSOR_ACTIVE,
    metrics.DRAM_ACTIVE,
    metrics.PCIE_RX,
    metrics.PCIE_TX,
)
_CLOCKS: Final = (metrics.SM_CLOCK, metrics.MEMORY_CLOCK)
_STATIC: Final = (
    "compute_capability",
    "power_limit_w",
    "sm_clock_max_mhz",
    "pcie_generation_max",
    "pcie_width_max",
)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the percentile, interpolated linearly between order statistics."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * percent / 100
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def _folded(why: Mapping[int, Mapping[str, str]]) -> dict[str, str]:
    """One reason for each field; with the GPUs' numbers where it does not hold for all."""
    found: dict[str, str] = {}
    for field in dict.fromkeys(field for missing in why.values() for field in missing):
        said: dict[str, list[int]] = {}
        for index, missing in why.items():
            if field in missing:
                said.setdefault(missing[field], []).append(index)
        found[f"gpus.{field}"] = "; ".join(
            reason if len(indices) == len(why) else f"{reason} ({_named(indices)})"
            for reason, indices in said.items()
        )
    return found


def _named(indices: Sequence[int]) -> str:
    numbers = ", ".join(map(str, indices))
    return f"GPU {numbers}" if len(indices) == 1 else f"GPUs {numbers}"
