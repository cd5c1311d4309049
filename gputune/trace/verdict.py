"""One sentence about a trace: what the busiest GPU did, and where most of the rest went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gputune.schema.trace import Activity, TraceDevice, TraceHost

_LOSSES: Final = (
    ("idle_input_s", "waiting for the input"),
    ("idle_host_s", "waiting for the host to launch work"),
    ("idle_kernel_s", "the gaps between kernels"),
    ("idle_other_s", "idle for other reasons"),
    ("h2d_exposed_s", "copies to the device that nothing hides"),
    ("d2h_exposed_s", "copies to the host that nothing hides"),
    ("collective_exposed_s", "collectives that nothing hides"),
)
_WORTH_NAMING: Final = 0.01


def verdict(devices: Sequence[TraceDevice], host: TraceHost) -> str:
    """The sentence, without a full stop."""
    if not devices:
        return _of_host(host)
    device = max(devices, key=lambda one: one.capture.busy_s)
    windows = device.steps or (device.capture,)
    whole = sum(window.duration_s for window in windows)
    if not device.capture.busy_s or not whole:
        return f"none of the {len(devices)} GPUs in the trace did anything"
    where = "its steps" if device.steps else "the capture"
    busy = _sum(windows, "kernel_busy_s") / whole
    said = f"GPU {device.index} runs kernels for {busy:.1%} of {where}"
    losses = [(_sum(windows, name) / whole, words) for name, words in _LOSSES]
    share, words = max(losses)
    if share >= _WORTH_NAMING:
        said += f"; the largest loss is {words}, {share:.1%}"
    working = sum(bool(one.capture.busy_s) for one in devices)
    if working < len(devices):
        said += f"; {len(devices) - working} of {len(devices)} GPUs did nothing"
    return said


def _sum(windows: Sequence[Activity], name: str) -> float:
    return sum(getattr(window, name) or 0.0 for window in windows)


def _of_host(host: TraceHost) -> str:
    said = "no GPU is in the trace"
    if host.step is None or not host.step.step_s:
        return said
    said += f": on the host a step took {host.step.step_s * 1e3:.3g} ms"
    if host.step.input_s is not None:
        said += f", {host.step.input_s / host.step.step_s:.1%} of it waiting for the input"
    return said
