"""Quantities as people read them: three significant digits, the unit that fits, `n/a` for None.

Every function takes the quantity in the unit of the record (seconds, bytes, a fraction of 1) and
returns text. None, NaN and infinity are `n/a`: what was not measured is never shown as 0.
"""

from __future__ import annotations

import math
from typing import Final

NOT_AVAILABLE: Final = "n/a"

_TIME_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SIZE_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_RATE_UNITS: Final = ("B/s", "kB/s", "MB/s", "GB/s", "TB/s")


def number(value: float | None) -> str:
    """Return a bare number: three significant digits, or all digits before the point."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    if value == 0:
        return "0"
    rounded = _three_digits(value)
    decimals = 2 - math.floor(math.log10(abs(rounded)))
    if decimals <= 0:
        return f"{value:,.0f}"
    # Below a thousandth no digit after the point says anything to a reader.
    return f"{value:.{decimals}f}" if decimals <= 5 else f"{value:.2e}"


def count(value: float | None) -> str:
    """Return a number of things: whole where it is whole (`8`, `1,024`), else `number`."""
    if value is not None and math.isfinite(value) and value == int(value):
        return f"{int(value):,}"
    return number(value)


def seconds(value: float | None) -> str:
    """Return a time given in seconds: `1.23 s`, `41.9 ms`, `870 µs`; minutes from 120 s on."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    if abs(value) >= 120:
        minutes, rest = divmod(round(abs(value)), 60)
        return f"{'-' if value < 0 else ''}{minutes:,} min {rest} s"
    if value == 0:
        return "0 s"
    scale, unit = _time_unit(value)
    return f"{number(value / scale)} {unit}"


def interval_seconds(bounds: tuple[float, float] | None) -> str:
    """Return an interval of times in seconds, in the unit of its upper end: `41.2 to 42.6 ms`."""
    if bounds is None or not all(map(math.isfinite, bounds)):
        return NOT_AVAILABLE
    low, high = bounds
    largest = max(abs(low), abs(high))
    if largest == 0:
        return "0 to 0 s"
    scale, unit = _time_unit(largest)
    # Both ends with the digits of the larger one (`0.3 to 12.4 ms`), or as many as tell them apart.
    fewest = max(0, 2 - math.floor(math.log10(_three_digits(largest / scale))))
    for decimals in range(fewest, fewest + 4):
        ends = [f"{end / scale:,.{decimals}f}" for end in (low, high)]
        if ends[0] != ends[1]:
            break
    return f"{ends[0]} to {ends[1]} {unit}"


def size(value: float | None) -> str:
    """Return a number of bytes in binary units, as memory is counted: `15.9 GiB`."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    scaled, unit = _scaled(value, 1024.0, _SIZE_UNITS)
    return f"{count(scaled)} {unit}"


def interval_size(bounds: tuple[float, float] | None) -> str:
    """Return an interval of sizes in bytes, in the unit of its larger end: `0.99 to 1.01 MiB`."""
    if bounds is None or not all(map(math.isfinite, bounds)):
        return NOT_AVAILABLE
    largest = max(map(abs, bounds))
    scaled, unit = _scaled(largest, 1024.0, _SIZE_UNITS)
    scale = largest / scaled if scaled else 1.0
    return f"{number(bounds[0] / scale)} to {number(bounds[1] / scale)} {unit}"


def byte_rate(value: float | None) -> str:
    """Return bytes per second in decimal units, as links and disks are rated: `11.8 GB/s`."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    scaled, unit = _scaled(value, 1000.0, _RATE_UNITS)
    return f"{count(scaled)} {unit}"


def energy(value: float | None) -> str:
    """Return an energy given in joules: `6.70 J`, `26.3 mJ`."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    return f"{number(value * 1e3)} mJ" if 0 < abs(value) < 0.9995 else f"{number(value)} J"


def rate(value: float | None, things: str) -> str:
    """Return things per second: `763 samples/s`."""
    text = number(value)
    return text if text == NOT_AVAILABLE else f"{text} {things}/s"


def percent(value: float | None) -> str:
    """Return a percentage given in percent (0 to 100): `71%`, `0.4%`, `<0.1%`."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    if 0 < abs(value) < 0.05:
        return "<0.1%" if value > 0 else ">-0.1%"
    return f"{value:.1f}%" if 0 < abs(value) < 9.95 else f"{value:.0f}%"


def share(value: float | None) -> str:
    """Return a fraction of 1 as a percentage: 0.71 is `71%`."""
    return percent(None if value is None else value * 100)


def factor(value: float | None) -> str:
    """Return a ratio, as a speed-up is spoken of: `3.46x`."""
    if value is None or not math.isfinite(value):
        return NOT_AVAILABLE
    return f"{value:.2f}x" if abs(value) < 99.95 else f"{value:,.0f}x"


def quantity(value: float | None, name: str) -> str:
    """Return the value of a record's field as text, by the unit in the field's name."""
    if name.endswith("bytes_per_s"):
        return byte_rate(value)
    if name.endswith("_per_s"):
        return rate(value, name.removesuffix("_per_s").rsplit("_", 1)[-1])
    if name.endswith("_s") or name.endswith("_s_per_step"):
        return seconds(value)
    if name.endswith(("_bytes", "_bytes_per_step")):
        return size(value)
    if name.endswith("_percent"):
        return percent(value)
    return share(value) if name.endswith("_fraction") else count(value)


def _three_digits(value: float) -> float:
    """Round to three significant digits, so that 999.7 µs is 1.00 ms and not 1,000 µs."""
    rounded = float(f"{value:.3g}")
    return rounded if math.isfinite(rounded) else value


def _time_unit(value: float) -> tuple[float, str]:
    rounded = abs(_three_digits(value))
    return next((pair for pair in _TIME_UNITS if rounded >= pair[0]), _TIME_UNITS[-1])


def _scaled(value: float, base: float, units: tuple[str, ...]) -> tuple[float, str]:
    index = 0
    while round(abs(value)) >= base and index < len(units) - 1:
        value /= base
        index += 1
    return value, units[index]
