from __future__ import annotations

from typing import Any

import pytest

from gputune.analysis.compute import NO_GPU, compute_record, peaks_of
from gputune.schema.gpu import Compute, LayerNote

A100 = "NVIDIA A100-SXM4-40GB"


def event(**more: Any) -> dict[str, Any]:
    return {
        "flops": 312e9, "by_dtype": {"float16": 312e9}, "reason": "", "policy": "mixed_float16",
        "tensor_float_32": True, "devices": [], "layers": [], **more,
    }  # fmt: skip


def record(given: dict[str, Any] | None, **more: Any) -> tuple[Compute, dict[str, str]]:
    return compute_record(given, **{"step_s": 0.004, "gpus": [A100], "missing": "ended", **more})


def test_utilisation_is_the_operations_over_what_the_peak_would_do_in_the_step() -> None:
    # 312 GFLOP at 312 TFLOP/s take 1 ms: a quarter of 4 ms.
    found, reasons = record(event())
    assert found.flops_per_step == 312e9
    assert found.peak_flops_per_s == pytest.approx(312e12)
    assert found.mfu_fraction == pytest.approx(0.25)
    assert found.half_precision_fraction == 1.0
    assert found.compute_dtype == "mixed_float16"
    assert "A100" in found.peak_source
    assert reasons == {}


def test_several_types_are_each_measured_against_their_own_peak() -> None:
    # 1 ms of halves and 1 ms of TF32: both together in 2 ms would be all that there is.
    mix = {"float16": 312e9, "float32": 156e9}
    found, _ = record(event(flops=468e9, by_dtype=mix))
    assert found.peak_flops_per_s == pytest.approx(468e9 / 2e-3)
    assert found.mfu_fraction == pytest.approx(0.5)
    assert found.half_precision_fraction == pytest.approx(312 / 468)
    assert found.peak_source.count(";") == 1


def test_float32_without_tf32_has_the_lower_peak() -> None:
    given = event(by_dtype={"float32": 312e9}, tensor_float_32=False)
    assert record(given)[0].peak_flops_per_s == pytest.approx(19.5e12)


def test_all_devices_count() -> None:
    found = peaks_of([A100, A100], {"float16": 1.0}, tensor_float_32=True)
    assert found.flops_per_s == pytest.approx(624e12)
    unlike = peaks_of([A100, "NVIDIA L4"], {"float16": 1.0}, tensor_float_32=True)
    assert unlike.flops_per_s == pytest.approx(433e12)
    assert (
        peaks_of([A100, "unheard of"], {"float16": 1.0}, tensor_float_32=True).flops_per_s is None
    )


def test_without_the_driver_tensorflows_name_will_do() -> None:
    named = event(devices=[{"name": A100, "compute_capability": "8.0"}])
    assert record(named, gpus=[])[0].mfu_fraction == pytest.approx(0.25)
    found, reasons = record(event(), gpus=[])
    assert found.mfu_fraction is None
    assert reasons["mfu_fraction"] == "the driver did not name the GPU"


@pytest.mark.parametrize(
    ("given", "more", "metric", "why"),
    [
        (None, {}, "flops_per_step", "ended"),
        (event(flops=None, by_dtype={}, reason="eager"), {}, "flops_per_step", "eager"),
        (event(), {"no_gpu": NO_GPU}, "mfu_fraction", NO_GPU),
        (event(), {"gpus": ["unheard of"]}, "peak_flops_per_s",
         "the peak rate of unheard of is not in gputune's table"),
        (event(), {"step_s": None}, "mfu_fraction", "there is no step time"),
        (event(flops=0.0, by_dtype={}), {}, "mfu_fraction", "a step has no matrix product"),
        (event(layers=None), {}, "layers_off_size",
         "the Keras model of a loop written by hand is not known"),
        (event(policy=None), {}, "compute_dtype", "no Keras layer with weights was seen"),
    ],
)  # fmt: skip
def test_what_is_not_known_has_its_reason(
    given: dict[str, Any] | None, more: dict[str, Any], metric: str, why: str
) -> None:
    found, reasons = record(given, **more)
    assert getattr(found, metric) in (None, ())
    assert reasons[metric] == why


def test_layers_are_taken_over_in_their_order() -> None:
    notes = [
        {"layer": name, "kind": "Dense", "dimension": "units", "size": 30, "wanted": 8}
        for name in "ba"
    ]
    found, _ = record(event(layers=notes))
    first = LayerNote(layer="b", kind="Dense", dimension="units", size=30, wanted=8)
    assert found.layers_off_size[0] == first
    assert [note.layer for note in found.layers_off_size] == ["b", "a"]
