"""How much of the devices' arithmetic a step uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gputune.analysis.peak_rates import peak_rate
from gputune.schema.gpu import Compute, LayerNote

COUNTED = (
    "matrix products, convolutions and recurrent kernels of the traced training function, forward "
    "and backward; element-wise operations are not counted"
)
NO_GPU = "TensorFlow used no GPU in this run"
_HALVES = ("float16", "bfloat16")


@dataclass(frozen=True)
class Peaks:
    """The peak of the devices together, for the types of one step; or the reason for none."""

    flops_per_s: float | None = None
    source: str = ""
    reason: str = ""


def compute_record(
    event: Mapping[str, Any] | None, *, step_s: float | None, gpus: Sequence[str],
    missing: str, no_gpu: str = "",
) -> tuple[Compute, dict[str, str]]:  # fmt: skip
    """The Compute of a `compute` event, and the reasons for what it lacks, by field.

    `step_s` is the clean step in seconds, `gpus` the names of the GPUs that train, by the driver
    where it told them, else empty. `missing` is the reason where there is no event, `no_gpu` why
    no GPU trains (empty where one does).
    """
    if event is None:
        return Compute(), {"flops_per_step": missing, "mfu_fraction": missing}
    reasons: dict[str, str] = {}
    flops = event.get("flops")
    by_dtype = {str(k): float(v) for k, v in (event.get("by_dtype") or {}).items()}
    if flops is None:
        reasons["flops_per_step"] = str(event.get("reason") or missing)
    names = list(gpus) or [str(d["name"]) for d in event.get("devices") or () if d.get("name")]
    peaks = Peaks(reason=no_gpu)
    if not no_gpu:
        peaks = peaks_of(names, by_dtype, tensor_float_32=bool(event.get("tensor_float_32", True)))
        if flops is None:
            peaks = Peaks(reason="what a step computes is not known")
    mfu = None
    if peaks.flops_per_s is None:
        reasons["peak_flops_per_s"] = peaks.reason
        reasons["mfu_fraction"] = peaks.reason
    elif step_s is None:
        reasons["mfu_fraction"] = "there is no step time"
    else:
        mfu = float(flops or 0.0) / (step_s * peaks.flops_per_s)
    if event.get("layers") is None:
        reasons["layers_off_size"] = "the Keras model of a loop written by hand is not known"
    policy = event.get("policy")
    if policy is None:
        reasons["compute_dtype"] = "no Keras layer with weights was seen"
    return (
        Compute(
            flops_per_step=None if flops is None else float(flops),
            flops_source=COUNTED if flops is not None else "",
            compute_dtype=None if policy is None else str(policy),
            half_precision_fraction=_half(by_dtype) if flops else None,
            peak_flops_per_s=peaks.flops_per_s,
            peak_source=peaks.source,
            mfu_fraction=mfu,
            layers_off_size=tuple(
                LayerNote(
                    layer=str(note["layer"]), kind=str(note["kind"]),
                    dimension=str(note["dimension"]), size=int(note["size"]),
                    wanted=int(note["wanted"]),
                )
                for note in event.get("layers") or ()
            ),
        ),
        reasons,
    )  # fmt: skip


def peaks_of(
    names: Sequence[str], by_dtype: Mapping[str, float], *, tensor_float_32: bool
) -> Peaks:
    """The peak for this mix of types: the time it takes, type after type, at each one's own rate.

    `by_dtype` are the operations of a step by the type of their operands.
    """
    if not names:
        return Peaks(reason="the driver did not name the GPU")
    computed = {dtype: flops for dtype, flops in by_dtype.items() if flops > 0}
    if not computed:
        return Peaks(reason="a step has no matrix product")
    total, sources = 0.0, []
    for name in names:
        rates = {d: peak_rate(name, d, tensor_float_32=tensor_float_32) for d in computed}
        least_s = 0.0
        for dtype, rate in rates.items():
            if rate.flops_per_s is None:
                return Peaks(reason=rate.reason)
            least_s += computed[dtype] / rate.flops_per_s
            sources.append(rate.source)
        total += sum(computed.values()) / least_s
    return Peaks(total, "; ".join(dict.fromkeys(sources)))


def _half(by_dtype: Mapping[str, float]) -> float | None:
    whole = sum(by_dtype.values())
    return sum(by_dtype.get(dtype, 0.0) for dtype in _HALVES) / whole if whole else None
