"""Profiles built from a few numbers, for rules and knobs."""

from __future__ import annotations

from typing import Any

from gputune.schema.conditions import LOSS_SELDOM
from gputune.schema.config import Setting
from gputune.schema.gpu import DeviceActivity, DeviceMemory, Gpu
from gputune.schema.profile import (
    Breakdown,
    Ceilings,
    Command,
    Environment,
    FitSeen,
    Pipeline,
    Profile,
    Stage,
    Steps,
    WhatIf,
)
from gputune.schema.site import Site
from gputune.schema.training import Repetition

FIT = Site(file="/work/train.py", line=40)


def at(line: int) -> Site:
    return Site(file="/work/train.py", line=line)


def steps(mean_s: float | None = 0.1, *, batch_size: int = 32, **more: Any) -> Steps:
    fields = {
        "count": 100, "warmup_count": 2, "measured_count": 90, "batch_size": batch_size,
        "steps_per_execution": 1, "mean_s": mean_s, "median_s": mean_s, "p99_s": mean_s,
        "samples_per_s": batch_size / mean_s if mean_s else None, "stable": True,
    }  # fmt: skip
    return Steps(**{**fields, **more})


def stage(index: int, op: str, label: str, self_s: float | None = 0.01, **more: Any) -> Stage:
    rate = None if not self_s else max(more.get("parallelism") or 1.0, 1.0) / self_s
    fields = {
        "parent": index - 1 if index else None, "site": at(10 + index), "max_batches_per_s": rate,
    }  # fmt: skip
    return Stage(**{"index": index, "op": op, "label": label, "self_s": self_s, **fields, **more})


def pipeline(*stages: Stage, bottleneck: int | None = None, **more: Any) -> Pipeline:
    return Pipeline(**{"source": "tf.data", "stages": stages, "bottleneck": bottleneck, **more})


def profile(**more: Any) -> Profile:
    """A step of 100 ms that waits for nothing, on a machine with a GPU."""
    fields = {
        "command": Command(
            argv=("python", "train.py"), mode="default", working_directory="/work",
            started_utc="", duration_s=1.0, exit_code=0, stopped_by_gputune=True,
        ),
        "script": "train.py",
        "environment": Environment(
            gputune="0", python="3", platform="", host="h", tensorflow="2.21", devices=("GPU:0",)
        ),
        "verdict": "",
        "style": "keras.fit",
        "steps": steps(),
        "breakdown": Breakdown(
            input_wait_s=0.0, device_compute_s=0.1, launch_s=0.0, python_s=0.0,
            ci95_input_wait_s=(-0.001, 0.001),
        ),
        "pipeline": pipeline(),
        "fits": (
            FitSeen(
                index=1, site=FIT, steps=100, epochs_requested=9, steps_per_epoch=500, analysed=True
            ),
        ),
    }  # fmt: skip
    return Profile(**{**fields, **more})


def waiting(
    wait_s: float, *, interval: tuple[float, float] | str | None = "certain", **more: Any
) -> Profile:
    """A step of 100 ms, of which so much waits for input; certain to 1 ms unless told."""
    if isinstance(interval, str):
        interval = (max(wait_s - 0.001, wait_s / 2), wait_s + 0.001)
    breakdown = Breakdown(
        input_wait_s=wait_s, device_compute_s=0.1 - wait_s, launch_s=0.0, python_s=0.0,
        ci95_input_wait_s=interval,
    )  # fmt: skip
    return profile(breakdown=breakdown, **more)


def host_bound(
    launch_s: float | None, python_s: float | None = 0.0, *, mean_s: float = 0.001, **more: Any
) -> Profile:
    """A step of a millisecond (unless told) with so much dispatch and Python."""
    breakdown = Breakdown(input_wait_s=0.0, launch_s=launch_s, python_s=python_s)
    fields = {"steps": steps(mean_s), "breakdown": breakdown}
    return profile(**{**fields, **more})


def computing(fraction: float, **more: Any) -> Profile:
    """Samples per second as a fraction of what the model alone could do."""
    ceilings = Ceilings(compute_samples_per_s=320 / fraction)
    return profile(**{"ceilings": ceilings, **more})


def setting(knob: str, value: Any) -> Setting:
    return Setting(knob=knob, value=value)


def two_cores() -> Environment:
    """A machine with two usable cores."""
    return Environment(gputune="0", python="3.11", platform="Linux", host="h", cores=2.0)


def waits_for_loss(speedup: float, **more: Any) -> Profile:
    """A step of 100 ms that would be so many times as fast with many steps a call."""
    price = WhatIf(condition=LOSS_SELDOM, step_s=0.1 / speedup, speedup=speedup, basis="model: m")
    return profile(**{"what_if": (price,), **more})


def repetition(label: str, line: int, **more: Any) -> Repetition:
    """A stage whose elements came again in order; all 1000 take 1 MB, which fits."""
    fields = {
        "repeats": True, "in_order": True, "elements": 200, "element_bytes": 1000.0,
        "elements_all": 1000, "bytes_all": 1e6, "fits": True,
    }  # fmt: skip
    return Repetition(**{"label": label, "site": at(line), **fields, **more})


def gpu(index: int = 0, **more: Any) -> Gpu:
    """An H100 of which nothing was measured unless told."""
    fields = {"name": "NVIDIA H100", "compute_capability": "9.0", "samples": 100}
    return Gpu(**{"index": index, **fields, **more})


def activity(index: int = 0, **more: Any) -> DeviceActivity:
    return DeviceActivity(**{"index": index, **more})


def memory(
    peak: float, *, limit: float = 10.0, reserved: float | None = None, index: int = 0, **more: Any
) -> DeviceMemory:
    """TensorFlow's account in GiB."""
    fields = {
        "peak_bytes": int(peak * 2**30), "limit_bytes": int(limit * 2**30),
        "head_room_bytes": int(limit * 2**30) - int(peak * 2**30),
        "reserved_bytes": None if reserved is None else int(reserved * 2**30),
    }  # fmt: skip
    return DeviceMemory(**{"index": index, **fields, **more})


def on_gpu(**more: Any) -> Profile:
    """A step of 100 ms on a GPU, all computation; `parts` are seconds of other parts.

    `parts` are taken from the computation, so that the breakdown sums to the step.
    """
    parts = {
        "input_wait_s": 0.0, "h2d_exposed_s": 0.0, "d2h_exposed_s": 0.0, "launch_s": 0.0,
        "python_s": 0.0, **more.pop("parts", {}),
    }  # fmt: skip
    left = 0.1 - sum(value or 0.0 for value in parts.values())
    breakdown = Breakdown(**{"device_compute_s": left, "device": "gpu", **parts})
    return profile(**{"breakdown": breakdown, "gpus": (gpu(),), **more})
