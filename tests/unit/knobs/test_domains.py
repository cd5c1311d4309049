"""Which values each knob has for a profile, and why it has none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gputune.knobs.knob import NONE, Domain
from gputune.knobs.learning_rate import scaled, scaling_rule
from gputune.knobs.machine import Machine, capability, machine_of
from gputune.knobs.registry import (
    BY_NAME,
    KNOBS,
    environment_of,
    first_config,
    in_environment,
    unsupported,
)
from gputune.schema.config import Setting, Value
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import DeviceMemory, Gpu
from gputune.schema.profile import Environment, Profile
from gputune.schema.training import Retracing
from tests.unit.rules.profiles import at, pipeline, profile, repetition, setting, stage, steps

CPU = Environment(
    gputune="0", python="3", platform="", host="h", keras="3.15", cores=4.0, devices=("CPU:0",)
)
GPU = replace(CPU, devices=("CPU:0", "GPU:0"))


def noted(knob: str, value: Value, line: int, note: str) -> Setting:
    return Setting(knob=knob, value=value, site=at(line), note=note)


def piped(*config: Setting, environment: Environment = CPU, **more: object) -> Profile:
    stages = pipeline(
        stage(0, "BatchV2", ".batch(32)", calls=(".batch(32)",)),
        stage(1, "ParallelMapV2", ".map(f)", calls=(".map(f)",), parallelism=2.0),
    )
    fields = {"pipeline": stages, "config": config, "environment": environment}
    return profile(**{**fields, **more})


def domain(knob: str, found: Profile) -> Domain:
    return BY_NAME[knob].domain(found)


def on_gpu(capability: str | None) -> Profile:
    card = Gpu(index=0, name="a GPU", compute_capability=capability)
    return piped(environment=GPU, gpus=(card,))


def test_every_domain_has_values_or_says_why_not() -> None:
    profiles = [
        profile(), piped(), on_gpu("8.0"), on_gpu(None), piped(style="loop"), profile(steps=None),
        profile(pipeline=pipeline(source="arrays")), profile(pipeline=None),
        piped(style="eager loop", environment=replace(CPU, keras=None)),
    ]  # fmt: skip
    for found in profiles:
        for knob in KNOBS:
            values = knob.domain(found)
            assert bool(values.values) != bool(values.reason), knob.name
            assert all(knob.takes.accepts(value) for value in values.values), knob.name
            assert len(set(map(str, values.values))) == len(values.values), knob.name


def test_the_four_of_every_study_are_these() -> None:
    assert [knob.name for knob in KNOBS if knob.always] == [
        "batch_size", "prefetch", "memory_growth", "mixed_precision",
    ]  # fmt: skip


# The batch size.


def test_batch_sizes_are_powers_of_two_around_the_present_one() -> None:
    found = domain("batch_size", piped(steps=steps(batch_size=32)))
    assert found.values == (8, 16, 32, 64, 128, 256, 512, 1024)
    assert found.was == 32
    odd = domain("batch_size", piped(steps=steps(batch_size=100)))
    assert odd.values == (32, 64, 100, 128, 256, 512, 1024, 2048)


def test_no_epoch_has_fewer_than_four_steps() -> None:
    short = piped(steps=steps(batch_size=32))
    short = replace(short, fits=(replace(short.fits[0], steps_per_epoch=20),))
    assert max(domain("batch_size", short).values) == 128  # 640 samples: 160 a step


def test_memory_bounds_the_batch() -> None:
    memory = DeviceMemory(index=0, predicted_max_batch_size=200)
    found = piped(environment=GPU, device_memory=(memory,), steps=steps(batch_size=32))
    assert domain("batch_size", found).values == (8, 16, 32, 64, 128)
    full = replace(memory, predicted_max_batch_size=10)
    assert max(domain("batch_size", replace(found, device_memory=(full,))).values) == 32


def test_only_the_last_batch_of_the_pipeline_is_turned() -> None:
    found = piped(
        noted("batch_size", 5, 11, ".batch(5)"), noted("batch_size", 32, 14, ".batch(32)")
    )
    assert [(p.site, p.stage, p.was) for p in domain("batch_size", found).places] == [
        (at(14), ".batch(32)", 32)
    ]


def test_what_a_library_has_batched_is_turned_where_the_script_calls_it() -> None:
    made = replace(at(9), code="ds = keras.utils.image_dataset_from_directory('photos')")
    one = Setting(knob="batch_size", value=32, site=made, note=".batch(32) of a library")
    assert [p.site for p in domain("batch_size", piped(one)).places] == [made]
    other = replace(one, site=replace(made, code="ds = tfds.load('mnist', batch_size=32)"))
    assert domain("batch_size", piped(other)).places == ()  # `fit` finds that one
    assert "not known" in domain("batch_size", piped(other, style="loop")).reason


@pytest.mark.parametrize(
    ("source", "config", "reason"),
    [
        ("generator", (), "own Python makes the batches"),
        ("Python", (), "own Python makes the batches"),
        ("PyDataset", (setting("batch_size", None),), "has no attribute batch_size"),
        ("PyDataset", (setting("batch_size", 8),), ""),
        ("arrays", (setting("batch_size", 32),), ""),
    ],
)
def test_who_makes_the_batches_decides(
    source: str, config: tuple[Setting, ...], reason: str
) -> None:
    found = domain("batch_size", profile(pipeline=pipeline(source=source), config=config))
    assert reason in found.reason and bool(found.values) == (reason == "")


# What a machine supports.


@pytest.mark.parametrize(
    ("found", "values"),
    [
        (piped(), ("float32", "mixed_bfloat16")),
        (on_gpu("9.0"), ("float32", "mixed_float16", "mixed_bfloat16")),
        (on_gpu("8.0"), ("float32", "mixed_float16", "mixed_bfloat16")),
        (on_gpu("7.5"), ("float32", "mixed_float16")),
        (on_gpu("6.1"), ()),
        (on_gpu(None), ("float32", "mixed_float16", "mixed_bfloat16")),
        (replace(on_gpu("9.0"), style="loop"), ("float32", "mixed_bfloat16")),
    ],
)
def test_precision_is_what_the_device_computes_in(found: Profile, values: tuple[str, ...]) -> None:
    assert domain("mixed_precision", found).values == values


def test_what_is_the_gpus_is_left_out_without_one() -> None:
    for knob in ("memory_growth", "gpu_thread_mode"):
        assert "no NVIDIA GPU is seen" in domain(knob, piped()).reason
        assert domain(knob, on_gpu("8.0")).values
    assert domain("memory_growth", on_gpu("8.0")).values == (
        "default", "growth", "cuda_malloc_async",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("knob", "value", "machine", "reason"),
    [
        ("mixed_precision", "mixed_float16", Machine(), "no NVIDIA GPU is seen"),
        ("mixed_precision", "mixed_bfloat16", Machine(), ""),
        ("mixed_precision", "mixed_bfloat16", Machine(gpus=1, compute_capability=(7, 5)), "8.0"),
        ("mixed_precision", "mixed_float16", Machine(gpus=1, compute_capability=(6, 1)), "7.0"),
        ("mixed_precision", "mixed_float16", Machine(gpus=1, compute_capability=(10, 0)), ""),
        ("mixed_precision", "mixed_float16", Machine(gpus=1), ""),
        ("memory_growth", "growth", Machine(), "no NVIDIA GPU is seen"),
        ("memory_growth", "default", Machine(), ""),
        ("gpu_thread_mode", "gpu_private", Machine(), "no NVIDIA GPU is seen"),
        ("prefetch", "device", Machine(), "no device to prefetch to"),
        ("prefetch", 4, Machine(), ""),
    ],
)
def test_a_value_that_a_machine_cannot_have_is_refused(
    knob: str, value: Value, machine: Machine, reason: str
) -> None:
    found = unsupported([Setting(knob=knob, value=value)], machine)
    assert [reason in why for _, why in found] == ([True] if reason else [])


def test_a_machine_is_as_able_as_its_oldest_gpu() -> None:
    cards = tuple(
        Gpu(index=i, name="g", compute_capability=c) for i, c in enumerate(("10.0", "9.0"))
    )
    assert machine_of(piped(environment=GPU, gpus=cards)) == Machine(
        gpus=1, compute_capability=(9, 0)
    )
    assert machine_of(piped(gpus=cards)) == Machine()  # the driver's, not TensorFlow's
    assert [capability(text) for text in ("8.6", "8", None, "a.b")] == [(8, 6), None, None, None]


# The pipeline.


def test_a_map_and_an_interleave_are_turned_each_by_itself() -> None:
    found = piped(
        noted("interleave_cycle_length", 2, 10, ".interleave(read)"),
        noted("num_parallel_calls", None, 10, ".interleave(read): not set"),
        noted("num_parallel_calls", 2, 11, ".map(f)"),
        noted("num_parallel_calls", None, 12, ".batch(32): not set"),
    )
    parallel = domain("num_parallel_calls", found)
    assert parallel.values == (1, 2, 4, "AUTOTUNE")
    assert [(p.site.line, p.stage, p.was) for p in parallel.places] == [
        (11, ".map(f)", 2), (10, ".interleave(read)", None),
    ]  # fmt: skip
    cycle = domain("interleave", found)
    assert cycle.values == (1, 2, 4, 8)
    assert [(p.site.line, p.was) for p in cycle.places] == [(10, 2)]


def test_prefetch_needs_a_line_only_where_no_fit_shows_the_pipelines_end() -> None:
    assert domain("prefetch", piped()).places == ()
    assert domain("prefetch", piped()).was == NONE
    loop = domain("prefetch", piped(style="loop"))
    assert [(p.site, p.stage) for p in loop.places] == [(at(10), ".batch(32)")]
    own = domain("prefetch", piped(noted("prefetch", 2, 13, ".prefetch(2)"), style="loop"))
    assert [(p.site, p.was) for p in own.places] == [(at(13), 2)]
    assert own.was == 2


def test_a_loop_on_a_gpu_may_prefetch_to_it() -> None:
    assert "device" in domain("prefetch", replace(on_gpu("8.0"), style="loop")).values
    assert "device" not in domain("prefetch", on_gpu("8.0")).values


@pytest.mark.parametrize(
    ("repetitions", "values", "places", "reason"),
    [
        ((), (), 0, "no stage was looked at"),
        ((repetition(".map(f)", 11, repeats=False),), (), 0, "no stage was seen to give the same"),
        ((repetition(".map(f)", 11, fits=None),), (), 0, "not known"),
        ((repetition(".map(f)", 11),), (NONE, "memory"), 1, ""),
        ((repetition(".map(f)", 11, fits=False),), (NONE, "./gputune-cache"), 1, ""),
        ((repetition(".map(f)", 11), repetition(".batch(9)", 12, fits=False)),
         (NONE, "memory"), 1, ""),
    ],
)  # fmt: skip
def test_a_cache_is_tried_where_elements_came_again_and_fit(
    repetitions: tuple, values: tuple, places: int, reason: str
) -> None:
    found = domain("cache", piped(repetitions=repetitions))
    assert (found.values, len(found.places)) == (values, places)
    assert reason in found.reason
    assert all(p.stage == ".map(f)" for p in found.places)


READ, FILES = ".interleave(read)", ".shuffle(7)"
DECODE, SHUFFLE, BATCH = ".map(decode)", ".shuffle(500)", ".batch(32)"


@pytest.mark.parametrize(
    ("calls", "tried"),
    [
        # From the source on; the cache goes behind .map(decode).
        ((READ, SHUFFLE, DECODE, BATCH), True),
        ((FILES, READ, SHUFFLE, DECODE, BATCH), True),
        ((FILES, READ, DECODE, SHUFFLE, BATCH), True),
        ((SHUFFLE, DECODE, BATCH), True),
        ((FILES, READ, DECODE, BATCH), False),
        ((READ, DECODE, BATCH), False),
    ],
)
@pytest.mark.parametrize("fused", [False, True])
def test_a_cache_must_not_keep_one_order_for_all_epochs(
    calls: tuple[str, ...], tried: bool, fused: bool
) -> None:
    """Elements in another order each time, of files that list_files shuffled, or a .shuffle."""
    if fused:
        stages = [stage(0, "MapAndBatch", calls[-1], calls=calls[-2:])]
        calls = calls[:-2]
    else:
        stages = []
    for call in reversed(calls):
        stages.append(stage(len(stages), "", call, calls=(call,)))
    random = repetition(DECODE, 11, in_order=False)
    found = domain("cache", piped(pipeline=pipeline(*stages), repetitions=(random,)))
    assert bool(found.values) == tried
    assert ("one order" in found.reason) != tried
    ordered = repetition(DECODE, 11)
    assert domain("cache", piped(pipeline=pipeline(*stages), repetitions=(ordered,))).values


def test_a_pipeline_that_has_a_cache_gets_no_second() -> None:
    found = piped(setting("cache", "memory"), repetitions=(repetition(".map(f)", 11),))
    assert "already" in domain("cache", found).reason


def test_order_and_threads_are_the_whole_pipelines() -> None:
    assert domain("deterministic", piped()) == Domain(values=(True, False), was=True)
    serial = piped(pipeline=pipeline(stage(0, "Map", ".map(f)")))
    assert "no stage works on several" in domain("deterministic", serial).reason
    assert domain("private_threadpool", piped()) == Domain(values=(0, 2, 4, 8), was=0)
    loop = domain("private_threadpool", piped(style="loop"))
    assert [p.site for p in loop.places] == [at(10)]


# The model.


@pytest.mark.parametrize(
    ("epoch", "values"),
    [(500, (1, 4, 8, 16, 32, 64, 128, 256)), (20, (1, 4, 8, 16)), (None, (1, 4, 8, 16, 32))],
)
def test_steps_per_execution_goes_up_to_the_epoch(
    epoch: int | None, values: tuple[int, ...]
) -> None:
    found = profile()
    found = replace(found, fits=(replace(found.fits[0], steps_per_epoch=epoch),))
    assert domain("steps_per_execution", found).values == values


@pytest.mark.parametrize("knob", ["steps_per_execution", "jit_compile"])
def test_what_compile_takes_is_for_a_compiled_fit(knob: str) -> None:
    assert domain(knob, profile()).values
    assert domain(knob, profile(style="loop")).reason
    assert "eagerly" in domain(knob, profile(config=(setting("run_eagerly", True),))).reason


def test_shapes_that_change_speak_against_xla() -> None:
    traced = Retracing(function="f", count=5, during_training=4)
    assert "shapes change" in domain("jit_compile", profile(retracing=(traced,))).reason


def test_the_learning_rate_follows_the_batch_size() -> None:
    assert scaled(0.1, batch_size=128, was=32, optimizer="SGD") == pytest.approx(0.4)
    assert scaled(0.1, batch_size=128, was=32, optimizer="Adam") == pytest.approx(0.2)
    assert scaled(0.1, batch_size=8, was=32, optimizer="AdamW") == pytest.approx(0.05)
    assert scaling_rule("RMSprop") == "square root"
    assert domain("learning_rate", profile(config=(setting("learning_rate", 0.1),))).was == 0.1


# The environment.


@pytest.mark.parametrize(
    ("knob", "value", "variables"),
    [
        ("memory_growth", "growth", {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
        ("memory_growth", "default", {"TF_FORCE_GPU_ALLOW_GROWTH": "false"}),
        ("memory_growth", "cuda_malloc_async",
         {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "TF_GPU_ALLOCATOR": "cuda_malloc_async"}),
        ("gpu_thread_mode", "gpu_private", {"TF_GPU_THREAD_MODE": "gpu_private"}),
        ("gpu_thread_mode", "gpu_private:4",
         {"TF_GPU_THREAD_MODE": "gpu_private", "TF_GPU_THREAD_COUNT": "4"}),
        ("prefetch", 4, {}),
    ],
)  # fmt: skip
def test_settings_of_the_process_are_variables_and_are_read_from_them(
    knob: str, value: Value, variables: dict[str, str]
) -> None:
    assert environment_of([Setting(knob=knob, value=value)]) == variables
    found = in_environment({**variables, "PATH": "/bin"})
    assert [(s.knob, s.value) for s in found] == ([(knob, value)] if variables else [])


def test_a_loop_that_waits_is_given_the_line_to_prefetch_behind() -> None:
    waits = Finding(id="input-bound", severity=Severity.PROBLEM, title="t", evidence=("e",))
    loop = piped(style="loop", findings=(waits,))
    (found,) = first_config(loop).tf_data
    assert (found.knob, found.site, found.stage) == ("prefetch", at(10), ".batch(32)")
    assert first_config(piped(findings=(waits,))).tf_data[0].site is None
