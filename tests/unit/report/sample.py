"""Profiles to render: an input-bound run on a CPU, one on a GPU, and one that saw nothing."""

from __future__ import annotations

from dataclasses import replace

from gputune.schema.config import Setting
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import Gpu
from gputune.schema.profile import (
    Breakdown,
    Ceilings,
    Command,
    Environment,
    FitSeen,
    Host,
    OrderProblem,
    Phase,
    Pipeline,
    Profile,
    Series,
    Stage,
    Steps,
    Transfer,
    Unavailable,
    WhatIf,
)
from gputune.schema.site import Frame, Site

FILE = "/home/ana/vision/photos.py"


def site(line: int, code: str, function: str = "<module>") -> Site:
    """A line of the sample script."""
    return Site(file=FILE, line=line, function=function, code=code)


MAP = site(32, "train_ds = train_ds.map(decode)")
AUGMENT = site(33, "train_ds = train_ds.map(augment)")
BATCH = site(34, "train_ds = train_ds.batch(BATCH_SIZE)")
SHUFFLE = site(31, "train_ds = train_ds.shuffle(len(train_paths), seed=SEED)")
SOURCE = site(30, "train_ds = tf.data.Dataset.from_tensor_slices((train_paths, train_labels))")
COMPILE = site(49, 'model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")')
FIT = Site(
    file=FILE,
    line=56,
    function="train",
    code="history = model.fit(train_ds, validation_data=val_ds, epochs=EPOCHS)",
    via=(Frame(file=FILE, line=70, function="<module>", code="train()"),),
)


def environment(**changes: object) -> Environment:
    """A small machine without a GPU."""
    known: dict[str, object] = {
        "gputune": "0.1.0",
        "python": "3.11.7",
        "platform": "Linux-6.1-x86_64-with-glibc2.36",
        "host": "node7",
        "cpu_model": "AMD EPYC 9R14",
        "cores": 2.0,
        "memory_bytes": 24 * 2**30,
        "tensorflow": "2.21.0",
        "keras": "3.15.1",
        "backend": "tensorflow",
        "devices": ("/physical_device:CPU:0",),
        "variables": (("TF_CPP_MIN_LOG_LEVEL", "2"),),
    }
    return Environment(**{**known, **changes})  # type: ignore[arg-type]


def command(**changes: object) -> Command:
    """A run that gputune ended as planned."""
    known: dict[str, object] = {
        "argv": ("python", "photos.py"),
        "mode": "default",
        "working_directory": "/home/ana/vision",
        "started_utc": "2026-07-29T10:11:12Z",
        "duration_s": 38.4,
        "exit_code": 0,
        "stopped_by_gputune": True,
        "script_sha256": "9f2c" * 16,
    }
    return Command(**{**known, **changes})  # type: ignore[arg-type]


def cpu_profile() -> Profile:
    """An input-bound run on a CPU, as `benchmarks/workloads/photos.py` gives."""
    return Profile(
        command=command(),
        script="photos.py",
        environment=environment(),
        verdict=(
            "The input pipeline limits this script: 71% of every step waits for the next batch, "
            "because photos.py:32 .map(decode) runs one element at a time."
        ),
        style="keras.fit",
        config=(
            Setting(knob="batch_size", value=32, site=BATCH),
            Setting(knob="prefetch", value=None, note="no .prefetch in the pipeline"),
            Setting(knob="num_parallel_calls", value=1, site=MAP, note="default"),
            Setting(knob="num_parallel_calls", value=1, site=AUGMENT, note="default"),
            Setting(knob="steps_per_execution", value=1, site=COMPILE, note="default of compile"),
            Setting(knob="mixed_precision", value="float32", note="default"),
        ),
        steps=Steps(
            count=260,
            warmup_count=20,
            measured_count=187,
            batch_size=32,
            steps_per_execution=1,
            mean_s=0.0419,
            median_s=0.0412,
            p95_s=0.0483,
            p99_s=0.0561,
            ci95_s=(0.0412, 0.0426),
            samples_per_s=763.7,
            stable=True,
            stable_reason="the last 3 windows agree within 1.9%",
        ),
        phases=(
            Phase(name="warmup", steps=20, duration_s=3.1, step_s=0.155, note="graph tracing"),
            Phase(name="clean", steps=187, duration_s=7.84, step_s=0.0419),
            Phase(name="held", steps=48, duration_s=0.581, step_s=0.0121),
            Phase(name="real", steps=48, duration_s=2.02, step_s=0.0421),
            Phase(name="drain", steps=0, duration_s=1.4, step_s=None, note="37 batches"),
            Phase(name="trace", steps=10, duration_s=0.55, step_s=0.055),
        ),
        breakdown=Breakdown(
            input_wait_s=0.0298,
            device_compute_s=0.0104,
            launch_s=0.0009,
            python_s=0.0006,
            other_s=0.0002,
            ci95_input_wait_s=(0.0289, 0.0307),
        ),
        host=Host(
            cpu_percent=61.0,
            process_cpu_percent=57.0,
            rss_bytes=1_130_000_000,
            read_bytes_per_s=14.2e6,
            samples=78,
        ),
        pipeline=_pipeline(),
        ceilings=Ceilings(
            input_samples_per_s=921.0, compute_samples_per_s=2645.0, achieved_fraction=0.829
        ),
        what_if=(
            WhatIf(condition="input were free", step_s=0.0121, speedup=3.46, basis="measured"),
            WhatIf(
                condition=".map(decode) ran on 2 cores",
                step_s=0.0241,
                speedup=1.74,
                basis="model: own time / 2",
            ),
        ),
        findings=_findings(),
        unavailable=(
            Unavailable(metric="gpus", reason="TensorFlow sees no GPU"),
            Unavailable(metric="breakdown.h2d_exposed_s", reason="TensorFlow sees no GPU"),
            Unavailable(metric="breakdown.d2h_exposed_s", reason="TensorFlow sees no GPU"),
            Unavailable(metric="transfer", reason="TensorFlow sees no GPU"),
        ),
        fits=(
            FitSeen(
                index=1,
                site=FIT,
                steps=260,
                epochs_requested=15,
                steps_per_epoch=18,
                analysed=True,
                input_kind="tf.data",
            ),
        ),
        series=(
            Series(
                name="step_s",
                t_s=tuple(0.0419 * i for i in range(180)),
                value=(2.3, *(0.0412 + 0.004 * ((i * 7919) % 13) / 13 for i in range(179))),
            ),
        ),
        files_opened_for_writing=("/home/ana/vision/metrics.txt",),
        notes=("On a CPU the input wait includes what the pipeline takes from the model's cores.",),
    )


def _pipeline() -> Pipeline:
    return Pipeline(
        source="tf.data",
        stages=(
            Stage(
                index=0,
                parent=None,
                op="BatchDatasetV2",
                label=".batch(32)",
                site=BATCH,
                calls=(".batch(32)",),
                self_s=0.0011,
                self_source="model",
                elements_per_batch=1.0,
                max_batches_per_s=909.0,
            ),
            Stage(
                index=1,
                parent=0,
                op="MapDataset",
                label=".map(augment)",
                site=AUGMENT,
                calls=(".map(augment)",),
                self_s=0.0037,
                self_source="model",
                elements_per_batch=32.0,
                parallelism=1.0,
                max_batches_per_s=270.0,
            ),
            Stage(
                index=2,
                parent=1,
                op="MapDataset",
                label="photos.py:32 .map(decode)",
                site=MAP,
                calls=("photos.py:32 .map(decode)",),
                self_s=0.0291,
                self_source="model",
                elements_per_batch=32.0,
                parallelism=1.0,
                max_batches_per_s=34.4,
                bottleneck=True,
            ),
            Stage(
                index=3,
                parent=2,
                op="ShuffleDatasetV3",
                label=".shuffle(576)",
                site=SHUFFLE,
                calls=(".shuffle(576)",),
                self_s=0.00004,
                self_source="model",
                buffer_elements=576.0,
                buffer_limit=576.0,
                max_batches_per_s=25000.0,
            ),
            Stage(
                index=4,
                parent=3,
                op="TensorSliceDataset",
                label="from_tensor_slices",
                site=SOURCE,
                calls=("from_tensor_slices",),
            ),
        ),
        bottleneck=2,
        predicted_max_batches_per_s=29.4,
        measured_max_batches_per_s=28.8,
        order_problems=(
            OrderProblem(kind="shuffle-after-batch", label=".shuffle(100)", site=SOURCE),
        ),
    )


def _findings() -> tuple[Finding, ...]:
    return (
        Finding(
            id="input-bound",
            severity=Severity.PROBLEM,
            title="The model waits for its input",
            evidence=(
                "29.8 ms of 41.9 ms are spent waiting for the next batch.",
                "With one batch held in memory a step takes 12.1 ms.",
            ),
            remedy="Let .map(decode) use every core, and prepare batches ahead with .prefetch.",
            knobs=("num_parallel_calls", "prefetch"),
            site=MAP,
        ),
        Finding(
            id="no-prefetch",
            severity=Severity.WARNING,
            title="Nothing is prepared while the model computes",
            evidence=("The pipeline has no .prefetch.",),
            remedy="End the pipeline with .prefetch(tf.data.AUTOTUNE).",
            knobs=("prefetch",),
            site=BATCH,
        ),
        Finding(id="stable-steps", severity=Severity.GOOD, title="The step time is steady"),
    )


def gpu_profile() -> Profile:
    """A run on a GPU with transfers, AUTOTUNE's own values and a helper called from elsewhere."""
    return Profile(
        command=command(stopped_by_gputune=False, exit_code=3, mode="full", duration_s=731.0),
        script="photos.py",
        environment=environment(
            cores=16.0,
            cuda="12.5.1",
            devices=("/physical_device:CPU:0", "/physical_device:GPU:0"),
        ),
        verdict="The GPU is the limit: the input would keep up with 2.1 times the rate.",
        style="keras.fit",
        steps=Steps(
            count=12_000,
            warmup_count=25,
            measured_count=11_800,
            batch_size=256,
            steps_per_execution=8,
            mean_s=0.0214,
            median_s=0.0213,
            p95_s=0.0221,
            p99_s=0.0302,
            ci95_s=(0.02139, 0.02142),
            samples_per_s=11_962.0,
            stable=False,
            stable_reason="the GPU lowers its clock from window 40 on",
        ),
        breakdown=Breakdown(
            input_wait_s=-0.00002,
            h2d_exposed_s=0.0013,
            device_compute_s=0.0187,
            d2h_exposed_s=0.00004,
            launch_s=0.0009,
            python_s=0.0003,
            other_s=0.00018,
            device="gpu",
        ),
        transfer=Transfer(
            h2d_bytes_per_step=18.9e6,
            h2d_s_per_step=0.0016,
            h2d_exposed_s_per_step=0.0013,
            h2d_bytes_per_s=11.8e9,
        ),
        gpus=(
            Gpu(
                index=0,
                name="NVIDIA H100 80GB HBM3",
                uuid="GPU-0f3a",
                utilization_percent=91.0,
                memory_used_bytes=13_200_000_000,
                memory_total_bytes=85_520_809_984,
                samples=2500,
            ),
            Gpu(index=1, name="NVIDIA H100 80GB HBM3"),
        ),
        pipeline=Pipeline(
            source="tf.data",
            stages=(
                Stage(
                    index=0,
                    parent=None,
                    op="PrefetchDataset",
                    label="prefetch",
                    injected=True,
                    buffer_elements=1.9,
                    buffer_limit=2.0,
                    buffer_autotuned=True,
                ),
                Stage(
                    index=1,
                    parent=0,
                    op="ParallelMapAndBatch",
                    label="photos.py:32 .map(decode) and .batch(256)",
                    site=MAP,
                    calls=("photos.py:32 .map(decode)", "photos.py:34 .batch(256)"),
                    self_s=0.0101,
                    self_source="trace",
                    parallelism=12.0,
                    parallelism_autotuned=True,
                    max_batches_per_s=99.0,
                ),
            ),
        ),
        ceilings=Ceilings(
            input_samples_per_s=25_300.0, compute_samples_per_s=12_100.0, achieved_fraction=0.989
        ),
    )


def minimal_profile() -> Profile:
    """A script that never trained: nearly everything is None."""
    return Profile(
        command=command(stopped_by_gputune=False, duration_s=0.8),
        script="prepare.py",
        environment=Environment(gputune="0.1.0", python="3.11.7", platform="Linux", host="node7"),
        verdict="No training was seen: the script never called fit.",
        unavailable=(
            Unavailable(metric="steps", reason="no training was seen"),
            Unavailable(metric="breakdown", reason="no training was seen"),
        ),
    )


def watched_profile() -> Profile:
    """The run on GPUs with all that is drawn over time: steps, CPU, two GPUs, memory, phases."""
    spans = {
        "warmup": ((0.0, 4.0),),
        "clean": ((4.0, 12.0),),
        "trace": ((12.1, 12.6),),
        "held": ((13.0, 14.0), (15.1, 16.0)),
        "real": ((14.1, 15.0), (16.1, 17.0)),
        "drain": ((17.2, 18.6),),
    }
    cpu = cpu_profile()
    seconds = tuple(0.1 * i for i in range(180))
    curves = {
        "step_s": (2.3, *(0.0213 + 0.002 * ((i * 7919) % 13) / 13 for i in range(179))),
        "host.cpu_percent": tuple(40 + 20.0 * ((i * 31) % 7) / 7 for i in range(180)),
        "host.process_cpu_percent": tuple(30 + 20.0 * ((i * 31) % 7) / 7 for i in range(180)),
        "host.rss_bytes": tuple(1.1e9 + 1e5 * i for i in range(180)),
        "gpus[0].utilization_percent": tuple(85 + 10.0 * ((i * 17) % 11) / 11 for i in range(180)),
        "gpus[1].utilization_percent": tuple(5.0 * ((i * 17) % 11) / 11 for i in range(180)),
        "gpus[0].memory_used_bytes": tuple(13.2e9 for _ in range(180)),
        "gpus[0].power_w": tuple(420 + 60.0 * ((i * 5) % 9) / 9 for i in range(180)),
    }
    return replace(
        gpu_profile(),
        phases=tuple(replace(phase, spans_s=spans[phase.name]) for phase in cpu.phases),
        series=tuple(Series(name=name, t_s=seconds, value=v) for name, v in curves.items()),
        findings=cpu.findings,
        what_if=cpu.what_if,
        config=cpu.config,
        fits=cpu.fits,
    )
