from __future__ import annotations

import re

import pytest

from gputune.analysis.peak_rates import PEAKS, peak_rate

# As NVML names them, with the rate in TFLOP/s: float32 without TF32, float32 with it, float16.
RATES = {
    "Tesla P100-PCIE-16GB": (9.3, 9.3, 18.7),
    "Tesla P100-SXM2-16GB": (10.6, 10.6, 21.2),
    "Tesla V100-SXM2-16GB": (15.7, 15.7, 125),
    "Tesla V100-SXM3-32GB": (15.7, 15.7, 125),
    "Tesla V100-PCIE-32GB": (14, 14, 112),
    "Tesla V100S-PCIE-32GB": (16.4, 16.4, 130),
    "Tesla T4": (8.1, 8.1, 65),
    "NVIDIA A10": (31.2, 62.5, 125),
    "NVIDIA A10G": (35, 35, 70),
    "NVIDIA A30": (10.3, 82, 165),
    "NVIDIA A40": (37.4, 74.8, 149.7),
    "A100-SXM4-40GB": (19.5, 156, 312),
    "NVIDIA A100-SXM4-80GB": (19.5, 156, 312),
    "NVIDIA A100-PCIE-40GB": (19.5, 156, 312),
    "NVIDIA A100 80GB PCIe": (19.5, 156, 312),
    "NVIDIA L4": (30.3, 60, 121),
    "NVIDIA L40": (90.5, 90.5, 181.05),
    "NVIDIA L40S": (91.6, 183, 362.05),
    "NVIDIA H100 PCIe": (51, 378, 756.5),
    "NVIDIA H100 80GB HBM3": (67, 494.5, 989.5),
    "NVIDIA H100 NVL": (60, 417.5, 835.5),
    "NVIDIA H200": (67, 494.5, 989.5),
    "NVIDIA GH200 480GB": (67, 494, 990),
    "NVIDIA B200": (75, 1125, 2250),
    "NVIDIA GeForce RTX 2080 Ti": (13.4, 13.4, 53.8),
    "GeForce RTX 2080": (10, 10, 40.3),
    "NVIDIA GeForce RTX 3090": (35.6, 35.6, 71),
    "NVIDIA GeForce RTX 4090": (82.6, 82.6, 165.2),
    "NVIDIA RTX A6000": (38.7, 77.4, 154.8),
    "NVIDIA RTX 6000 Ada Generation": (91.1, 182.1, 364.2),
    "Quadro RTX 8000": (16.3, 16.3, 130.5),
}


@pytest.mark.parametrize("name", RATES)
def test_a_name_as_the_driver_gives_it_has_its_datasheets_rates(name: str) -> None:
    single, tensor, half = RATES[name]
    found = [
        peak_rate(name, "float32", tensor_float_32=False).flops_per_s,
        peak_rate(name, "float32", tensor_float_32=True).flops_per_s,
        peak_rate(name, "float16", tensor_float_32=True).flops_per_s,
    ]
    assert found == pytest.approx([single * 1e12, tensor * 1e12, half * 1e12])


@pytest.mark.parametrize(
    "name",
    ["NVIDIA H300", "NVIDIA A100X", "NVIDIA GeForce RTX 3080 Ti", "NVIDIA A10-24Q", "TITAN V", "",
     "NVIDIA GeForce RTX 3080 Laptop GPU", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"],
)  # fmt: skip
def test_what_the_table_does_not_have_is_not_guessed(name: str) -> None:
    found = peak_rate(name, "float16", tensor_float_32=True)
    assert found.flops_per_s is None
    assert name in found.reason


def test_a_type_that_the_card_lacks_has_no_rate() -> None:
    for name, dtype in [
        ("Tesla T4", "bfloat16"), ("Tesla V100-SXM2-16GB", "bfloat16"),
        ("NVIDIA A100 80GB PCIe", "float64")
    ]:  # fmt: skip
        found = peak_rate(name, dtype, tensor_float_32=True)
        assert found.flops_per_s is None
        assert dtype in found.reason
    assert peak_rate("NVIDIA L4", "bfloat16", tensor_float_32=True).flops_per_s == 121e12


def test_the_source_says_which_document_and_which_type() -> None:
    found = peak_rate("NVIDIA A100 80GB PCIe", "float32", tensor_float_32=True)
    assert found.source == "NVIDIA A100 Tensor Core GPU datasheet (2021), TF32 dense"


def test_no_name_stands_for_two_cards() -> None:
    for peak in PEAKS:
        assert re.compile(peak.names)
    for name in RATES:
        plain = re.sub(r"^((nvidia|tesla|geforce)\s+)+", "", name.lower())
        plain = re.sub(r"-[0-9]+gb$", "", plain) if plain[:4] in ("p100", "v100") else plain
        assert sum(bool(re.fullmatch(peak.names, plain)) for peak in PEAKS) == 1, name
