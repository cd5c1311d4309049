"""What GPUs can compute at most: dense matrix products, by the vendor's own documents.

Rates are TFLOP/s, a multiply and an add counted as two, at the boost clock, without sparsity
(NVIDIA's newer datasheets print twice that, "with sparsity") and with sums in float32, which is
how TensorFlow multiplies halves: on GeForce cards of the 20, 30 and 40 series that is half of the
rate with sums in float16. A type that the tensor cores do not have is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TERA = 1e12


@dataclass(frozen=True)
class Peak:
    """One kind of GPU. `names` is a regular expression for the driver's name, in lower case.

    `half` is float16 and, where `bfloat16` says so, bfloat16; `tf32` is float32 on tensor cores.
    """

    names: str
    single: float
    tf32: float | None
    half: float
    bfloat16: bool
    source: str


_PASCAL = "NVIDIA Tesla P100 datasheet (2016)"
_VOLTA = "NVIDIA V100 Tensor Core GPU datasheet (2020)"
_AMPERE = "NVIDIA A100 Tensor Core GPU datasheet (2021)"
_HOPPER = "NVIDIA H100 Tensor Core GPU datasheet (2023)"
_TURING = "NVIDIA Turing GPU Architecture whitepaper, WP-09183 (2018)"
_GA102 = "NVIDIA Ampere GA102 GPU Architecture whitepaper (2021)"
_ADA = "NVIDIA Ada GPU Architecture whitepaper (2022)"

PEAKS = (
    Peak(r"p100-pcie", 9.3, None, 18.7, False, _PASCAL),
    Peak(r"p100-sxm2", 10.6, None, 21.2, False, _PASCAL),
    Peak(r"v100s-pcie", 16.4, None, 130.0, False, _VOLTA),
    Peak(r"v100-pcie", 14.0, None, 112.0, False, _VOLTA),
    Peak(r"v100-sxm[23]", 15.7, None, 125.0, False, _VOLTA),
    Peak(r"t4", 8.1, None, 65.0, False, "NVIDIA T4 Tensor Core GPU datasheet (2019)"),
    Peak(r"a10g", 35.0, 35.0, 70.0, True, "NVIDIA A10G datasheet (2021)"),
    Peak(r"a10", 31.2, 62.5, 125.0, True, "NVIDIA A10 Tensor Core GPU datasheet (2021)"),
    Peak(r"a30", 10.3, 82.0, 165.0, True, "NVIDIA A30 Tensor Core GPU datasheet (2021)"),
    Peak(r"a40", 37.4, 74.8, 149.7, True, "NVIDIA A40 GPU datasheet (2021)"),
    Peak(r"a100[- ](sxm4?-)?(pcie-)?[0-9]+gb( pcie)?", 19.5, 156.0, 312.0, True, _AMPERE),
    Peak(r"l4", 30.3, 60.0, 121.0, True, "NVIDIA L4 Tensor Core GPU datasheet (2023)"),
    Peak(r"l40", 90.5, 90.5, 181.05, True, "NVIDIA L40 GPU datasheet (2022)"),
    Peak(r"l40s", 91.6, 183.0, 362.05, True, "NVIDIA L40S GPU datasheet (2023)"),
    Peak(r"h100 pcie", 51.0, 378.0, 756.5, True, _HOPPER),
    Peak(r"h100 nvl", 60.0, 417.5, 835.5, True, _HOPPER),
    Peak(r"h100 (80gb|96gb|64gb) hbm[23]e?|h100 sxm5?( [0-9]+gb)?", 67.0, 494.5, 989.5, True,
         _HOPPER),
    Peak(r"h200 nvl", 60.0, 417.5, 835.5, True, "NVIDIA H200 Tensor Core GPU datasheet (2024)"),
    Peak(r"h200", 67.0, 494.5, 989.5, True, "NVIDIA H200 Tensor Core GPU datasheet (2024)"),
    Peak(r"gh200 (120|144|480)gb", 67.0, 494.0, 990.0, True,
         "NVIDIA GH200 Grace Hopper Superchip datasheet (2023)"),
    Peak(r"b200", 75.0, 1125.0, 2250.0, True, "NVIDIA DGX B200 datasheet (2024), an eighth"),
    Peak(r"rtx 2070", 7.5, None, 29.9, False, _TURING),
    Peak(r"rtx 2080", 10.0, None, 40.3, False, _TURING),
    Peak(r"rtx 2080 ti", 13.4, None, 53.8, False, _TURING),
    Peak(r"quadro rtx [68]000", 16.3, None, 130.5, False, _TURING),
    Peak(r"rtx 3070", 20.3, 20.3, 40.6, True, _GA102),
    Peak(r"rtx 3080", 29.8, 29.8, 59.5, True, _GA102),
    Peak(r"rtx 3090", 35.6, 35.6, 71.0, True, _GA102),
    Peak(r"rtx a6000", 38.7, 77.4, 154.8, True, _GA102),
    Peak(r"rtx 4080", 48.7, 48.7, 97.5, True, _ADA),
    Peak(r"rtx 4090", 82.6, 82.6, 165.2, True, _ADA),
    Peak(r"rtx 6000 ada generation", 91.1, 182.1, 364.2, True, _ADA),
)  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """The peak of one GPU for one type, in FLOP/s, and where it is from; or the reason for none."""

    flops_per_s: float | None
    source: str = ""
    reason: str = ""


def peak_rate(name: str, dtype: str, *, tensor_float_32: bool) -> Rate:
    """The dense peak of the GPU that the driver calls `name`, for operands of TensorFlow's `dtype`.

    With `tensor_float_32`, TensorFlow's default, float32 runs on tensor cores that have TF32.
    """
    if re.search(r"\bmig\b", name.lower()):
        return Rate(None, reason=f"{name} is a part of a GPU (MIG): no document has its peak")
    plain = re.sub(r"^((nvidia|tesla|geforce)\s+)+", "", name.lower())
    if plain.startswith(("p100", "v100")):
        plain = re.sub(r"-[0-9]+gb$", "", plain)
    for peak in PEAKS:
        if re.fullmatch(peak.names, plain):
            return _of_type(peak, name, dtype, tensor_float_32=tensor_float_32)
    return Rate(None, reason=f"the peak rate of {name} is not in gputune's table")


def _of_type(peak: Peak, name: str, dtype: str, *, tensor_float_32: bool) -> Rate:
    value: float | None = None
    what = dtype
    if dtype == "float32":
        on_tensor_cores = tensor_float_32 and peak.tf32 is not None
        value = peak.tf32 if on_tensor_cores else peak.single
        what = "TF32" if on_tensor_cores else "float32"
    elif dtype == "float16" or (dtype == "bfloat16" and peak.bfloat16):
        value = peak.half
    if value is None:
        return Rate(None, reason=f"the peak rate of {name} for {dtype} is not in gputune's table")
    return Rate(value * TERA, source=f"{peak.source}, {what} dense")
