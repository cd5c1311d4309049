from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputune.report import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "n/a"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
        (0.0, "0 s"),
        (0.0419, "41.9 ms"),
        (0.00419, "4.19 ms"),
        (0.0009, "900 µs"),
        (0.0009996, "1.00 ms"),
        (0.99951, "1.00 s"),
        (3.2e-9, "3.20 ns"),
        (-0.00002, "-20.0 µs"),
        (38.4, "38.4 s"),
        (119.6, "120 s"),
        (120.0, "2 min 0 s"),
        (731.2, "12 min 11 s"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert figures.seconds(value) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (None, "n/a"),
        ((math.nan, 1.0), "n/a"),
        ((0.0412, 0.0426), "41.2 to 42.6 ms"),
        ((0.0003, 0.0124), "0.3 to 12.4 ms"),
        ((-0.001, 0.0124), "-1.0 to 12.4 ms"),
        ((0.02139, 0.02142), "21.39 to 21.42 ms"),
        ((0.5, 0.5), "500.000 to 500.000 ms"),
    ],
)
def test_intervals_share_a_unit_and_have_digits_enough_to_differ(
    bounds: tuple[float, float] | None, text: str
) -> None:
    assert figures.interval_seconds(bounds) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (figures.number(763.7), "764"),
        (figures.number(11_962.0), "11,962"),
        (figures.number(0.0123), "0.0123"),
        (figures.number(9.999), "10.0"),
        (figures.number(1e-9), "1.00e-09"),
        (figures.number(0), "0"),
        (figures.count(8.0), "8"),
        (figures.count(1.9), "1.90"),
        (figures.count(None), "n/a"),
        (figures.size(None), "n/a"),
        (figures.size(1023), "1,023 B"),
        (figures.size(2**30), "1 GiB"),
        (figures.size(1_130_000_000), "1.05 GiB"),
        (figures.byte_rate(11.8e9), "11.8 GB/s"),
        (figures.byte_rate(999_900), "1.00 MB/s"),
        (figures.rate(29.4, "batches"), "29.4 batches/s"),
        (figures.rate(None, "batches"), "n/a"),
        (figures.share(0.712), "71%"),
        (figures.share(0.0214), "2.1%"),
        (figures.share(0.0), "0%"),
        (figures.share(0.0001), "<0.1%"),
        (figures.share(None), "n/a"),
        (figures.percent(91.0), "91%"),
        (figures.factor(3.4627), "3.46x"),
        (figures.factor(None), "n/a"),
        (figures.quantity(0.5, "step_s"), "500 ms"),
        (figures.quantity(12.0, "input_samples_per_s"), "12.0 samples/s"),
        (figures.quantity(3e6, "read_bytes_per_s"), "3 MB/s"),
        (figures.quantity(40.0, "cpu_percent"), "40%"),
    ],
)
def test_other_quantities(text: str, expected: str) -> None:
    assert text == expected


@given(st.floats(min_value=1e-9, max_value=119.0))
def test_a_time_read_back_is_the_time_to_half_a_percent(value: float) -> None:
    amount, unit = figures.seconds(value).split()
    scale = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert float(amount.replace(",", "")) * scale == pytest.approx(value, rel=0.0051)


@given(st.floats() | st.none())
def test_no_quantity_fails_on_any_float(value: float | None) -> None:
    for name in ("x_s", "x_bytes", "x_bytes_per_s", "x_percent", "x_fraction", "x", "x_per_s"):
        assert figures.quantity(value, name)
    assert figures.factor(value)


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        (None, "n/a"),
        ((0.0, math.nan), "n/a"),
        ((0.0, 0.0), "0 to 0 B"),
        ((1023 * 1024.0, 1025 * 1024.0), "0.999 to 1.00 MiB"),
        ((-2048.0, 1024.0), "-2.00 to 1.00 KiB"),
    ],
)
def test_an_interval_of_sizes_has_one_unit(bounds: tuple[float, float] | None, text: str) -> None:
    assert figures.interval_size(bounds) == text
