"""Where a step goes: exclusive parts that sum to the clean step."""

from __future__ import annotations

from dataclasses import dataclass

from gputune.analysis.input_wait import InputWait
from gputune.schema.profile import Breakdown, Ceilings, Steps, Transfer
from gputune.trace.gpu import GpuActivity
from gputune.trace.host_ops import HostSteps

_GPU_NEEDED = "TensorFlow used no GPU in this run"


@dataclass(frozen=True)
class Parts:
    """The breakdown with the reasons for what is None, by field name."""

    breakdown: Breakdown
    reasons: dict[str, str]


def break_down(
    clean_s: float, wait: InputWait | None, no_wait_reason: str, host: HostSteps | None,
    gpu: GpuActivity | None, traced_steps: int, no_trace_reason: str, *, on_gpu: bool = False,
    between_s: float | None = None,
) -> Parts:  # fmt: skip
    """Split the clean step of `clean_s` seconds.

    The wait for input is the difference between real and held steps. What is left is the held
    step, split in the proportions that the held blocks (Python and callbacks between the calls)
    and the trace (operations and dispatch within a call; the device's own events on a GPU) show.
    `gpu` is the activity in the traced window of `traced_steps` steps; `on_gpu` says that the
    model ran on a GPU, so that without a trace of it the host's operations are no computation.
    `between_s` is given for scripts that make their batches in Python: the part of a step between
    the training calls, which is then what Python takes, the making of the batch included.
    """
    if wait is None:
        if between_s is not None and not on_gpu:
            return _fed_by_python(clean_s, between_s, no_wait_reason, host, no_trace_reason)
        return _without_wait(clean_s, no_wait_reason)
    input_s = clean_s * wait.fraction
    held_s = clean_s - input_s
    interval = None
    if wait.interval is not None:
        interval = (clean_s * wait.interval[0], clean_s * wait.interval[1])
    if gpu is not None:
        return _on_gpu(held_s, input_s, interval, wait, gpu, traced_steps)
    python_s = held_s * min(wait.held_between_s / wait.held_step_s, 1.0)
    call_s = held_s - python_s
    if on_gpu:
        names = ("h2d_exposed_s", "device_compute_s", "d2h_exposed_s", "launch_s")
        breakdown = Breakdown(
            input_wait_s=input_s, python_s=python_s, other_s=call_s,
            ci95_input_wait_s=interval, device="gpu",
        )  # fmt: skip
        return Parts(breakdown, dict.fromkeys(names, no_trace_reason))
    reasons = {"h2d_exposed_s": _GPU_NEEDED, "d2h_exposed_s": _GPU_NEEDED}
    shares = _call_shares(host)
    if shares is None:
        why = (host.reason if host is not None else no_trace_reason) or no_trace_reason
        reasons["device_compute_s"] = reasons["launch_s"] = why
        breakdown = Breakdown(
            input_wait_s=input_s, python_s=python_s, other_s=call_s, ci95_input_wait_s=interval
        )
        return Parts(breakdown, reasons)
    ops, dispatch, python = shares
    breakdown = Breakdown(
        input_wait_s=input_s,
        device_compute_s=call_s * ops,
        launch_s=call_s * dispatch,
        python_s=python_s + call_s * python,
        other_s=0.0,
        ci95_input_wait_s=interval,
        device="cpu",
    )
    return Parts(breakdown, reasons)


def _fed_by_python(
    clean_s: float, between_s: float, reason: str, host: HostSteps | None, no_trace_reason: str
) -> Parts:
    between_s = min(between_s, clean_s)
    call_s = clean_s - between_s
    reasons = {
        "input_wait_s": reason, "h2d_exposed_s": _GPU_NEEDED, "d2h_exposed_s": _GPU_NEEDED
    }  # fmt: skip
    shares = _call_shares(host)
    if shares is None:
        why = (host.reason if host is not None else no_trace_reason) or no_trace_reason
        reasons["device_compute_s"] = reasons["launch_s"] = why
        return Parts(Breakdown(python_s=between_s, other_s=call_s), reasons)
    ops, dispatch, python = shares
    breakdown = Breakdown(
        device_compute_s=call_s * ops,
        launch_s=call_s * dispatch,
        python_s=between_s + call_s * python,
        other_s=0.0,
    )
    return Parts(breakdown, reasons)


def _without_wait(clean_s: float, reason: str) -> Parts:
    names = (
        "input_wait_s", "h2d_exposed_s", "device_compute_s", "d2h_exposed_s", "launch_s",
        "python_s",
    )  # fmt: skip
    return Parts(Breakdown(other_s=clean_s), dict.fromkeys(names, reason))


def _call_shares(host: HostSteps | None) -> tuple[float, float, float] | None:
    """Operations, dispatch and Python as shares of a call of the train function without input."""
    if host is None or host.ops_s is None or host.dispatch_s is None:
        return None
    python = host.python_s or 0.0
    total = host.ops_s + host.dispatch_s + python
    if total <= 0:
        return None
    return host.ops_s / total, host.dispatch_s / total, python / total


def _on_gpu(
    held_s: float, input_s: float, interval: tuple[float, float] | None, wait: InputWait,
    gpu: GpuActivity, traced_steps: int,
) -> Parts:  # fmt: skip
    """On a GPU: kernels and exposed copies from the device, the rest of the held step is host.

    The device's own times are not inflated by tracing the host, so they stand as measured, per
    traced step; what they leave of the held step is launch, up to the time that Python between
    the calls took (on a GPU that time overlaps the device's, and cannot be more than is left).
    """
    copies_s = gpu.h2d.exposed_s + gpu.d2h.exposed_s
    # What is busy and no exposed copy is kernels, copies between devices and memsets.
    per_step = [
        seconds / traced_steps
        for seconds in (gpu.busy_s - copies_s, gpu.h2d.exposed_s, gpu.d2h.exposed_s)
    ]
    scale = min(1.0, held_s / sum(per_step)) if sum(per_step) > 0 else 1.0
    compute, h2d, d2h = (seconds * scale for seconds in per_step)
    idle = max(held_s - compute - h2d - d2h, 0.0)
    python = min(idle, held_s * wait.held_between_s / wait.held_step_s)
    breakdown = Breakdown(
        input_wait_s=input_s,
        h2d_exposed_s=h2d,
        device_compute_s=compute,
        d2h_exposed_s=d2h,
        launch_s=idle - python,
        python_s=python,
        other_s=0.0,
        ci95_input_wait_s=interval,
        device="gpu",
    )
    return Parts(breakdown, {})


def transfer_record(gpu: GpuActivity | None, traced_steps: int) -> Transfer:
    """The copies of a step, from the device's own events; all None without a GPU trace."""
    if gpu is None or traced_steps < 1:
        return Transfer()

    def rate(size: int | None, seconds: float) -> float | None:
        return size / seconds if size is not None and seconds > 0 else None

    def per_step(value: float | None) -> float | None:
        return None if value is None else value / traced_steps

    h2d, d2h = gpu.h2d, gpu.d2h
    return Transfer(
        h2d_bytes_per_step=per_step(h2d.bytes),
        h2d_s_per_step=h2d.s / traced_steps,
        h2d_exposed_s_per_step=h2d.exposed_s / traced_steps,
        h2d_bytes_per_s=rate(h2d.bytes, h2d.s),
        d2h_bytes_per_step=per_step(d2h.bytes),
        d2h_s_per_step=d2h.s / traced_steps,
        d2h_exposed_s_per_step=d2h.exposed_s / traced_steps,
        d2h_bytes_per_s=rate(d2h.bytes, d2h.s),
    )


def ceilings_record(
    steps: Steps, wait: InputWait | None, drained_batches_per_s: float | None
) -> Ceilings:
    """What input and model could reach alone, in samples per second."""
    batch = steps.batch_size
    if not batch or steps.mean_s is None:
        return Ceilings()
    compute = None
    if wait is not None:
        compute = batch / (steps.mean_s * (1 - wait.fraction)) if wait.fraction < 1 else None
    fed = None if drained_batches_per_s is None else drained_batches_per_s * batch
    known = [value for value in (compute, fed) if value is not None]
    achieved = None
    if len(known) == 2 and steps.samples_per_s is not None:
        achieved = steps.samples_per_s / min(known)
    return Ceilings(
        input_samples_per_s=fed, compute_samples_per_s=compute, achieved_fraction=achieved
    )
