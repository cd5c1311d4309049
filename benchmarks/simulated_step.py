"""A stated model of a training step, from which tables are computed: no machine was measured.

Seconds, bytes and samples throughout. For a batch of b samples:

    compute = compute_s (b + half_full) precision xla       the device's own work; half_full is the
                                                            batch at which it is half full
    device  = max(compute, launches) allocator + h2d_s b    kernels are launched while others run
    host    = (call_s + loss_s) / steps_per_execution       Keras' call, and its wait for the loss
    input   = b (map_s / parallel + read_s / files) + batch_s   or nearly nothing from a cache
    step    = max(input, device + host) + (1 - overlap) min(input, device + host)

overlap is d/(d+1) for a prefetch of depth d, 0 without. Memory is model_bytes + sample_bytes b
(0.6 of that in 16 bits), of which there is limit_bytes, less what the allocator loses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from gputune.schema.conditions import LOSS_SELDOM
from gputune.schema.config import Setting
from gputune.schema.gpu import DeviceMemory, Gpu
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
from gputune.schema.training import Repetition, Startup

CACHED = 0.02
"""What an element from memory costs, of what making it costs."""
SIXTEEN_BIT_BYTES = 0.6
SPE = 32
FILE = "/simulated/train.py"


@dataclass(frozen=True)
class Machine:
    """A script on a machine: the parameters of the model above, and the script's own settings."""

    name: str
    limits: str
    compute_s: float
    half_full: float
    sixteen_bit: float
    """How many times as fast the step's matrix products and convolutions are in 16 bits."""
    matrix_share: float
    xla_compute: float
    xla_launches: float
    launches_s: float
    call_s: float
    loss_s: float
    map_s: float
    read_s: float
    batch_s: float
    h2d_s: float
    serial: bool
    """Whether TensorFlow runs the map serially by itself: its function is stateful."""
    cacheable: bool
    model_bytes: float
    sample_bytes: float
    limit_bytes: float
    allocator: float
    """The device's time with cuda_malloc_async, over that with TensorFlow's own allocator."""
    cores: int = 8
    batch_size: int = 32
    prefetch: str | int = "none"
    steps_per_epoch: int = 1600
    noise: float = 0.025
    """Standard deviation of the logarithm of a trial's figure."""


def rate(machine: Machine, knobs: Mapping[str, Any]) -> Any:
    """Samples/s, NaN where memory runs out. Values may be arrays, which are broadcast."""
    batch = knobs["batch_size"]
    device, host, work = parts(machine, knobs)
    overlap = knobs["overlap"]
    train = device + host
    step = np.maximum(work, train) + (1 - overlap) * np.minimum(work, train)
    return np.where(missing_bytes(machine, knobs) > 0, np.nan, batch / step)


def parts(machine: Machine, knobs: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Seconds of device, host and input for one step."""
    batch = knobs["batch_size"]
    precision = 1 - machine.matrix_share + machine.matrix_share / knobs["speed"]
    compute = machine.compute_s * (batch + machine.half_full) * precision * knobs["xla_compute"]
    launches = machine.launches_s * knobs["xla_launches"] * knobs["launcher"]
    device = np.maximum(compute, launches) * knobs["allocator"] + machine.h2d_s * batch
    host = (machine.call_s + machine.loss_s) / knobs["steps_per_execution"]
    made = machine.map_s / knobs["parallel"] + machine.read_s / knobs["files"]
    work = batch * made * knobs["cached"] * knobs["in_order"] * knobs["pool"] + machine.batch_s
    return device, host, work


def missing_bytes(machine: Machine, knobs: Mapping[str, Any]) -> Any:
    """Bytes that are missing; 0 or less where it fits."""
    needed = machine.model_bytes + machine.sample_bytes * knobs["batch_size"] * knobs["bytes"]
    return needed - machine.limit_bytes * knobs["usable"]


def meanings(machine: Machine, knob: str, value: Any) -> dict[str, float]:
    """What a value of a knob means in the model."""
    cores = machine.cores
    if knob == "batch_size":
        return {"batch_size": float(value)}
    if knob == "prefetch":
        depth = {"none": 0.0, "AUTOTUNE": 12.0}.get(str(value))
        depth = float(value) if depth is None else depth
        return {"overlap": depth / (depth + 1)}
    if knob == "memory_growth":
        slow = machine.allocator if value == "cuda_malloc_async" else 1.0
        return {"allocator": slow, "usable": 0.99 if value == "cuda_malloc_async" else 0.96}
    if knob == "mixed_precision":
        speed = {"float32": 1.0, "mixed_float16": 1.0, "mixed_bfloat16": 0.94}[value]
        full = value == "float32"
        times = 1.0 if full else machine.sixteen_bit * speed
        return {"speed": times, "bytes": 1.0 if full else SIXTEEN_BIT_BYTES}
    if knob == "jit_compile":
        compute, launches = machine.xla_compute, machine.xla_launches
        on = value is True
        return {"xla_compute": compute if on else 1.0, "xla_launches": launches if on else 1.0}
    if knob == "steps_per_execution":
        return {"steps_per_execution": float(value)}
    if knob == "num_parallel_calls":
        if value is None:
            return {"parallel": 1.0 if machine.serial else cores**0.9}
        at_once = cores * 0.95 if value == "AUTOTUNE" else min(float(value), cores)
        return {"parallel": at_once**0.9}
    if knob == "interleave":
        return {"files": min(float(value), 6.0) ** 0.8}
    if knob == "cache":
        return {"cached": CACHED if value == "memory" else 1.0}
    if knob == "deterministic":
        return {"in_order": 1.0 if value else 0.95}
    if knob == "private_threadpool":
        own = float(value)
        return {"pool": 1.0 if own == 0 else 0.97 if own >= cores else 1.3}
    if knob == "gpu_thread_mode":
        return {"launcher": 1.0 if value == "global" else 0.93}
    raise ValueError(f"the model has no {knob}")


DEFAULTS = {"files": 1.0, "cached": 1.0, "in_order": 1.0, "pool": 1.0, "launcher": 1.0}


def profile_of(machine: Machine) -> Profile:
    """What a profile of the script as it is would show, without noise; findings not yet found."""
    own = dict(DEFAULTS)
    for knob, value in _own(machine).items():
        own |= meanings(machine, knob, value)
    device, host, work = (float(v) for v in parts(machine, own))
    batch = machine.batch_size
    step = batch / float(rate(machine, own))
    compute = machine.compute_s * (batch + machine.half_full)
    wait = max(step - device - host, 0.0)
    fewer = step - host * (1 - 1 / SPE) if wait < host else step
    fit = Site(file=FILE, line=60)
    return Profile(
        command=Command(
            argv=("python", "train.py"), mode="default", working_directory="/simulated",
            started_utc="", duration_s=30.0, exit_code=0, stopped_by_gputune=True,
        ),
        script="train.py",
        environment=Environment(
            gputune="0", python="3", platform="simulated", host="simulated",
            cores=float(machine.cores), tensorflow="2", keras="3", devices=("GPU:0",),
        ),
        verdict="",
        style="keras.fit",
        config=_config(machine),
        steps=Steps(
            count=400, warmup_count=10, measured_count=390, batch_size=batch,
            steps_per_execution=1, mean_s=step, median_s=step, p99_s=step * 1.2,
            samples_per_s=batch / step, stable=True,
        ),
        breakdown=Breakdown(
            input_wait_s=wait, device_compute_s=compute, h2d_exposed_s=machine.h2d_s * batch,
            launch_s=max(machine.launches_s - compute, 0.0) + machine.call_s, python_s=0.0,
            other_s=machine.loss_s, device="gpu", ci95_input_wait_s=(wait * 0.9, wait * 1.1),
        ),
        gpus=(Gpu(index=0, name="simulated", compute_capability="8.0"),),
        device_memory=(DeviceMemory(index=0, limit_bytes=int(machine.limit_bytes)),),
        pipeline=_pipeline(machine, work),
        ceilings=Ceilings(
            input_samples_per_s=batch / work, compute_samples_per_s=batch / (device + host),
        ),
        what_if=(
            WhatIf(
                condition=LOSS_SELDOM, step_s=fewer, speedup=step / fewer, basis="model: stated",
            ),
        ),
        startup=Startup(total_s=12.0, first_step_s=3.0),
        repetitions=(
            Repetition(
                label=".map(decode)", site=Site(file=FILE, line=35), repeats=machine.cacheable,
                in_order=True, elements=200, element_bytes=1e4, elements_all=10**4, bytes_all=1e8,
                fits=True, reason="" if machine.cacheable else "random operations",
            ),
        ),
        fits=(
            FitSeen(
                index=1, site=fit, steps=400, epochs_requested=20,
                steps_per_epoch=machine.steps_per_epoch, analysed=True,
            ),
        ),
    )  # fmt: skip


def _own(machine: Machine) -> dict[str, Any]:
    """The script's own values."""
    return {
        "batch_size": machine.batch_size, "prefetch": machine.prefetch,
        "memory_growth": "default", "mixed_precision": "float32", "jit_compile": False,
        "steps_per_execution": 1, "num_parallel_calls": None,
        "interleave": 1,
    }  # fmt: skip


def _config(machine: Machine) -> tuple[Setting, ...]:
    """As `analysis.settings` lists them, from the source to the model."""

    def at(line: int) -> Site:
        return Site(file=FILE, line=line)

    files = ".interleave(TFRecordDataset)"
    prefetch = machine.prefetch
    return (
        Setting(knob="interleave_cycle_length", value=1, site=at(34), note=files),
        Setting(knob="num_parallel_calls", value=None, site=at(35), note=".map(decode): not set"),
        Setting(knob="batch_size", value=machine.batch_size, site=at(36), note=".batch(32)"),
        *(
            ()
            if prefetch == "none"
            else (Setting(knob="prefetch", value=prefetch, site=at(37), note=".prefetch(…)"),)
        ),
        Setting(knob="steps_per_execution", value=1, note="compile"),
        Setting(knob="jit_compile", value=False, note="as compile resolved it"),
        Setting(knob="run_eagerly", value=False, note="compile"),
        Setting(knob="mixed_precision", value="float32", note="global dtype policy"),
    )


def _pipeline(machine: Machine, work_s: float) -> Pipeline:
    batch = machine.batch_size
    parallel = 1.0 if machine.serial else machine.cores**0.9
    map_s, read_s = machine.map_s * batch, machine.read_s * batch
    at_once = None if machine.serial else parallel
    stages = [
        Stage(
            index=1, parent=0, op="BatchV2", label=".batch(32)", calls=(".batch(32)",),
            site=Site(file=FILE, line=36), self_s=machine.batch_s, elements_per_batch=1.0,
            max_batches_per_s=1 / machine.batch_s,
        ),
        Stage(
            index=2, parent=1, op="MapV2" if machine.serial else "ParallelMapV2",
            label=".map(decode)", calls=(".map(decode)",),
            site=Site(file=FILE, line=35), self_s=map_s, elements_per_batch=float(batch),
            element_s=machine.map_s, parallelism=at_once, max_batches_per_s=parallel / map_s,
        ),
        Stage(
            index=3, parent=2, op="ParallelInterleaveV4", label=".interleave(TFRecordDataset)",
            calls=(".interleave(TFRecordDataset)",), site=Site(file=FILE, line=34),
            self_s=read_s, elements_per_batch=float(batch), element_s=machine.read_s,
            max_batches_per_s=1 / read_s,
        ),
    ]  # fmt: skip
    if machine.prefetch != "none":
        stages.insert(
            0, Stage(index=0, parent=None, op="Prefetch", label=".prefetch(…)", self_s=0.0)
        )
    slowest = min(stages, key=lambda s: s.max_batches_per_s or math.inf)
    return Pipeline(
        source="tf.data", stages=tuple(stages), bottleneck=slowest.index,
        measured_max_batches_per_s=1 / work_s,
    )  # fmt: skip


def drawn(name: str, generator: Random) -> Machine:
    """A machine by chance, over the ranges of this function: log-uniform unless it is a choice."""

    def between(low: float, high: float) -> float:
        return math.exp(generator.uniform(math.log(low), math.log(high)))

    limit = generator.choice([8e9, 16e9, 24e9, 40e9, 80e9])
    model = between(2e8, 4e9)
    batch = generator.choice([8, 16, 32, 64])
    # A batch of 4 to 64 times the script's own fills the memory.
    sample = (limit - model) / (batch * between(4, 64))
    return Machine(
        name=name,
        limits="drawn after the heuristics were frozen",
        compute_s=between(2e-5, 4e-3),
        half_full=between(4, 96),
        sixteen_bit=between(1.0, 4.0),
        matrix_share=generator.uniform(0.4, 0.95),
        xla_compute=generator.uniform(0.75, 1.1),
        xla_launches=generator.uniform(0.3, 0.7),
        launches_s=between(5e-4, 2e-2),
        call_s=between(3e-4, 1.5e-3),
        loss_s=between(1e-4, 1e-3),
        map_s=between(2e-5, 1e-2),
        read_s=between(2e-6, 1e-3),
        batch_s=between(5e-5, 1e-3),
        h2d_s=between(1e-6, 1e-4),
        serial=generator.random() < 0.4,
        cacheable=generator.random() < 0.4,
        model_bytes=model,
        sample_bytes=sample,
        limit_bytes=limit,
        allocator=generator.uniform(0.97, 1.03),
        cores=generator.choice([4, 8, 16, 32]),
        batch_size=batch,
        prefetch=generator.choice(["none", 1, "AUTOTUNE"]),
        steps_per_epoch=generator.choice([400, 1600, 6400]),
        noise=generator.choice([0.01, 0.025, 0.05]),
    )


def _base(name: str, limits: str, **changes: Any) -> Machine:
    fields: dict[str, Any] = {
        "compute_s": 4e-4, "half_full": 24.0, "sixteen_bit": 2.4, "matrix_share": 0.8,
        "xla_compute": 0.92, "xla_launches": 0.5, "launches_s": 3e-3, "call_s": 6e-4,
        "loss_s": 3e-4, "map_s": 2e-4, "read_s": 2e-5, "batch_s": 2e-4, "h2d_s": 1e-5,
        "serial": False, "cacheable": False, "model_bytes": 1e9, "sample_bytes": 6e7,
        "limit_bytes": 16e9, "allocator": 1.0,
    }  # fmt: skip
    return Machine(name=name, limits=limits, **{**fields, **changes})


EARLY: Sequence[Machine] = (
    _base("serial map", "a stateful map runs serially", map_s=4e-3, serial=True),
    _base("costly decode", "decoding, the same in every epoch", map_s=1.2e-2, cacheable=True),
    _base(
        "small model", "launches and Keras' calls", compute_s=6e-6, launches_s=1.2e-3,
        map_s=5e-6, sample_bytes=2e6, prefetch="AUTOTUNE",
    ),
    _base(
        "large model", "the device, and its memory", compute_s=6e-3, half_full=12.0,
        sample_bytes=2.2e8, launches_s=8e-3, prefetch="AUTOTUNE",
    ),
    _base("one file at a time", "reading", read_s=2.5e-3, map_s=4e-4),
    _base(
        "already tuned", "the device, and nothing helps it much", compute_s=2e-3, half_full=2.0,
        sixteen_bit=1.0, xla_compute=1.02, batch_size=256, sample_bytes=3.5e7,
        prefetch="AUTOTUNE", allocator=1.01,
    ),
)  # fmt: skip
"""What the heuristics were written beside."""
