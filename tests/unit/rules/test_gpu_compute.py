from __future__ import annotations

from typing import Any

import pytest

from gputune.rules.gpu import filling, memory_bound, tensor_cores
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import Compute, LayerNote
from gputune.schema.profile import Profile
from tests.unit.rules.profiles import FIT, activity, gpu, memory, on_gpu, setting


def computing(share: float = 1.0, **more: Any) -> Profile:
    """A GPU that computes for so much of the step; the rest waits for input."""
    return on_gpu(**{"parts": {"input_wait_s": 0.1 * (1 - share)}, **more})


def dram(percent: float | None, tensor: float | None = 5.0, **more: Any) -> Profile:
    one = gpu(dram_active_percent=percent, tensor_active_percent=tensor)
    return computing(**{"gpus": (one,), **more})


def bound(profile: Profile) -> list[str]:
    return [finding.id for finding in memory_bound.findings(profile)]


@pytest.mark.parametrize(
    ("percent", "tensor", "mfu", "expected"),
    [
        (60.0, 5.0, None, True),
        (59.9, 5.0, None, False),
        (70.0, 60.0, None, True),
        (70.0, 60.1, None, False),
        (70.0, None, 0.2, True),
        (70.0, 5.0, 0.61, False),  # What is reached outweighs what one unit shows.
        (70.0, None, None, False),
        (None, 5.0, 0.1, False),
    ],
)
def test_memory_binds_from_60_percent_and_10_points_above_the_arithmetic(
    percent: float | None, tensor: float | None, mfu: float | None, expected: bool
) -> None:
    found = dram(percent, tensor, compute=Compute(mfu_fraction=mfu))
    assert bound(found) == (["memory-bound"] if expected else [])


def test_memory_bound_in_float32_is_a_warning_that_half_precision_helps() -> None:
    (wide,) = memory_bound.findings(dram(72.0, compute=Compute(compute_dtype="float32")))
    assert wide.severity is Severity.WARNING and "mixed_bfloat16" in wide.remedy
    assert wide.evidence == (
        "the memory of GPU 0 (NVIDIA H100) is at 72% of its peak bandwidth (some 80% are the most "
        "in practice), its tensor cores work in 5% of the cycles",
    )
    (half,) = memory_bound.findings(dram(72.0, compute=Compute(compute_dtype="mixed_float16")))
    assert half.severity is Severity.NOTE and half.remedy.startswith("jit_compile=True fuses")
    compiled = dram(72.0, compute=Compute(compute_dtype="mixed_float16"),
                    config=(setting("jit_compile", True),))  # fmt: skip
    (half,) = memory_bound.findings(compiled)
    assert "jit_compile" not in half.remedy


def single(**more: Any) -> Profile:
    return computing(**{"compute": Compute(compute_dtype="float32"), **more})


def ids(profile: Profile) -> list[str]:
    return [finding.id for finding in tensor_cores.findings(profile)]


def only(profile: Profile) -> Finding:
    (finding,) = tensor_cores.findings(profile)
    return finding


@pytest.mark.parametrize(
    ("capability", "expected"),
    [("7.0", 1), ("6.1", 0), ("10.0", 1), (None, 0), ("", 0), ("odd", 0)],
)
def test_half_precision_is_advised_from_compute_capability_seven(
    capability: str | None, expected: int
) -> None:
    found = single(gpus=(gpu(compute_capability=capability),))
    assert len(ids(found)) == expected


def test_the_least_able_gpu_decides() -> None:
    both = (gpu(0), gpu(1, compute_capability="6.1"))
    assert ids(single(gpus=both)) == []
    assert ids(single(gpus=())) == []


@pytest.mark.parametrize(("share", "expected"), [(0.299, 0), (0.301, 1)])
def test_half_precision_is_advised_where_computation_is_30_percent_of_the_step(
    share: float, expected: int
) -> None:
    assert len(ids(single(parts={"input_wait_s": 0.1 * (1 - share)}))) == expected


@pytest.mark.parametrize(
    ("dtype", "half", "tensor", "expected"),
    [
        ("float32", None, None, Severity.WARNING),
        ("float64", None, None, Severity.WARNING),
        ("float32", 0.099, None, Severity.WARNING),
        ("float32", 0.1, None, None),  # The kernels know better than the policy.
        ("float32", None, 40.0, Severity.WARNING),  # TF32.
        ("mixed_float16", None, None, None),
        ("mixed_float16", 0.3, 2.0, None),
        ("mixed_float16", 0.09, None, Severity.NOTE),
        (None, 0.09, None, Severity.WARNING),
        (None, None, 9.9, Severity.WARNING),
        (None, None, 10.0, None),
        (None, None, None, None),
    ],
)
def test_the_type_is_told_by_the_kernels_then_the_policy_then_the_tensor_cores(
    dtype: str | None, half: float | None, tensor: float | None, expected: Severity | None
) -> None:
    found = computing(
        compute=Compute(compute_dtype=dtype), gpus=(gpu(tensor_active_percent=tensor),),
        device_activity=(activity(half_precision_fraction=half),),
    )  # fmt: skip
    assert [f.severity for f in tensor_cores.findings(found)] == ([expected] if expected else [])


def test_the_evidence_and_the_remedy_name_the_figures_and_the_call() -> None:
    found = single(
        device_activity=(activity(half_precision_fraction=0.02, tensor_core_fraction=0.31),)
    )
    finding = only(found)
    assert finding.evidence == (
        "the GPU computes for 100% of the step",
        "the precision policy is float32",
        "2% of the kernels' time are in 16 bits, by their names",
        "the tensor cores work for 31% of the time",
        "TensorFlow lets them multiply float32 as TF32, at half the rate of 16 bits",
        "the GPU's compute capability is 9.0",
    )
    assert 'set_global_policy("mixed_bfloat16")' in finding.remedy
    assert finding.site == FIT


@pytest.mark.parametrize(
    ("style", "capability", "policy", "scale"),
    [
        ("keras.fit", "7.5", "mixed_float16", False),
        ("keras.train_on_batch", "7.5", "mixed_float16", False),
        ("loop", "7.5", "mixed_float16", True),
        ("loop in a function", "7.5", "mixed_float16", True),
        ("loop", "8.0", "mixed_bfloat16", False),
    ],
)
def test_a_loop_of_ones_own_must_scale_the_loss_in_float16(
    style: str, capability: str, policy: str, scale: bool
) -> None:
    remedy = only(single(style=style, gpus=(gpu(compute_capability=capability),))).remedy
    assert f'"{policy}"' in remedy
    assert ("LossScaleOptimizer" in remedy) is scale


def test_the_policy_of_the_settings_stands_in_for_the_type() -> None:
    assert ids(computing(config=(setting("mixed_precision", "float32"),))) == ["tensor-cores-idle"]
    assert ids(computing(config=(setting("mixed_precision", "mixed_float16"),))) == []


def test_half_precision_is_advised_once_where_memory_binds_too() -> None:
    found = dram(72.0, compute=Compute(compute_dtype="float32"))
    assert bound(found) == ["memory-bound"] and ids(found) == []


def layer(size: int, wanted: int = 8, name: str = "dense") -> LayerNote:
    return LayerNote(layer=name, kind="Dense", dimension="units", size=size, wanted=wanted)


def test_layers_of_odd_sizes_are_listed_with_the_multiple_to_take() -> None:
    half = Compute(compute_dtype="mixed_float16", layers_off_size=(layer(1001), layer(10, 16, "d")))
    finding = only(computing(compute=half))
    assert (finding.id, finding.severity) == ("layers-off-size", Severity.NOTE)
    assert finding.evidence == (
        "Dense dense has 1001 units, no multiple of 8",
        "Dense d has 10 units, no multiple of 16",
    )
    assert "1008 units for dense, 16 units for d." in finding.remedy
    many = Compute(compute_dtype="mixed_float16", layers_off_size=(layer(1001),) * 8)
    assert only(computing(compute=many)).evidence[-1] == "and 2 more"
    single_too = Compute(compute_dtype="float32", layers_off_size=(layer(1001),))
    assert ids(computing(compute=single_too)) == ["tensor-cores-idle", "layers-off-size"]


def filled(share: float = 1.0, **more: Any) -> Profile:
    card = {
        "sm_active_percent": more.pop("sm", None), "tensor_active_percent": 5.0,
        "dram_active_percent": more.pop("dram", None),
        "sm_occupancy_percent": more.pop("occupancy", None),
    }  # fmt: skip
    mfu = more.pop("mfu", None)
    return computing(share, gpus=(gpu(**card),), compute=Compute(mfu_fraction=mfu), **more)


def small(profile: Profile) -> list[str]:
    return [finding.id for finding in filling.findings(profile)]


@pytest.mark.parametrize(
    ("sm", "mfu", "expected"),
    [
        (49.9, None, ["small-batch"]),
        (50.0, None, []),
        (61.0, 0.249, ["small-batch"]),
        (61.0, 0.25, ["low-mfu"]),
        (60.0, 0.249, ["low-mfu"]),
        (95.0, 0.299, ["low-mfu"]),
        (95.0, 0.3, []),
        (None, 0.1, ["low-mfu"]),
        (None, None, []),
        (49.9, 0.6, ["small-batch"]),
    ],
)
def test_a_batch_is_small_where_the_sms_idle_or_work_for_little(
    sm: float | None, mfu: float | None, expected: list[str]
) -> None:
    assert small(filled(sm=sm, mfu=mfu)) == expected


@pytest.mark.parametrize(("share", "expected"), [(0.699, []), (0.701, ["small-batch"])])
def test_a_batch_is_small_only_where_nothing_but_computation_is_large(
    share: float, expected: list[str]
) -> None:
    assert small(filled(share, sm=20.0)) == expected


def test_xla_is_advised_for_a_small_batch_unless_it_is_on() -> None:
    (finding,) = filling.findings(filled(sm=20.0))
    assert "jit_compile=True" in finding.remedy
    (finding,) = filling.findings(filled(sm=20.0, config=(setting("jit_compile", True),)))
    assert "jit_compile" not in finding.remedy


def test_a_low_occupancy_alone_says_nothing() -> None:
    assert small(filled(sm=95.0, occupancy=12.0)) == []


def test_where_memory_binds_the_batch_is_not_blamed() -> None:
    found = filled(sm=95.0, mfu=0.1, dram=75.0)
    assert bound(found) == ["memory-bound"] and small(found) == []


def test_room_for_a_larger_batch_is_what_tensors_left_not_what_the_driver_shows() -> None:
    one = memory(2.0, reserved=9.9, predicted_max_batch_size=150)
    (finding,) = filling.findings(filled(sm=30.0, occupancy=8.0, mfu=0.05, device_memory=(one,)))
    assert finding.evidence == (
        "the GPU computes for 100% of the step",
        "30% of the SMs of GPU 0 (NVIDIA H100) work, 8% of their places for warps are taken",
        "5.0% of the peak rate of arithmetic is reached (MFU)",
        "the batch has 32 samples",
        "at most 2 GiB of 10 GiB held tensors on GPU 0, so a batch of up to 150 should fit",
    )


@pytest.mark.parametrize(
    ("peak", "predicted", "expected"),
    [(2.0, 33, True), (2.0, 32, False), (9.1, None, False), (2.0, None, True)],
)
def test_no_larger_batch_is_advised_where_it_would_not_fit(
    peak: float, predicted: int | None, expected: bool
) -> None:
    one = memory(peak, predicted_max_batch_size=predicted)
    assert small(filled(sm=30.0, device_memory=(one,))) == (["small-batch"] if expected else [])


def test_a_low_rate_of_arithmetic_says_the_work_and_the_peak() -> None:
    work = Compute(
        flops_per_step=2.5e12, peak_flops_per_s=989.4e12, compute_dtype="mixed_float16",
        mfu_fraction=0.025,
    )  # fmt: skip
    (finding,) = filling.findings(computing(compute=work))
    assert finding.severity is Severity.NOTE and "2.5%" in finding.title
    assert finding.evidence[1] == (
        "a step has 2.5 TFLOP, the peak is 989.4 TFLOP/s in mixed_float16"
    )
