"""A Comparison as rows of text, for every form it is shown in."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.report import figures
from gputune.schema.comparison import Comparison, MetricCompared, SideDifference

HEADINGS = ("metric", "before", "after", "difference", "ratio", "95 % interval", "verdict")


def side_text(comparison: Comparison, index: int) -> str:
    """Which reports a side is made of: `before: train.py, 6 processes`."""
    side = comparison.sides[index]
    runs = "1 process" if side.processes == 1 else f"{side.processes} processes"
    return f"{side.name}: {side.kind} of {side.script}, {runs}"


def of_side(comparison: Comparison, side: int) -> tuple[MetricCompared, ...]:
    """The figures of one later side beside the first."""
    return tuple(row for row in comparison.metrics if row.side == side)


def cells(row: MetricCompared) -> tuple[str, ...]:
    """One row of the table, in the order of HEADINGS."""
    return (
        row.name, value(row, row.before), value(row, row.after), signed(row),
        figures.factor(row.ratio), interval(row), verdict(row),
    )  # fmt: skip


def verdict(row: MetricCompared) -> str:
    """The verdict; of one that was left open by its interval, what would have been seen."""
    if row.verdict != "inconclusive" or row.smallest_detectable_ratio is None:
        return row.verdict
    seen = figures.share(row.smallest_detectable_ratio - 1)
    return f"inconclusive: would have seen {seen}"


def value(row: MetricCompared, number: float | None) -> str:
    """A value of the metric with its unit."""
    if row.unit == "samples/s":
        return figures.rate(number, "samples")
    if row.unit in ("s", "s/step"):
        return figures.seconds(number)
    if row.unit in ("bytes", "bytes/step"):
        return figures.size(number)
    if row.unit == "bytes/s":
        return figures.byte_rate(number)
    if row.unit == "%":
        return figures.percent(number)
    text = figures.count(number)
    return text if number is None or not row.unit else f"{text} {row.unit}"


def sortable(number: float | None) -> str:
    """A value as a script sorts it; empty where there is none."""
    return "" if number is None else repr(number)


def signed(row: MetricCompared) -> str:
    """The difference, with its sign."""
    if row.difference is None:
        return figures.NOT_AVAILABLE
    text = value(row, abs(row.difference))
    return ("-" if row.difference < 0 else "+" if row.difference > 0 else "") + text


def interval(row: MetricCompared) -> str:
    """The ratio's 95 % interval."""
    if row.ci95 is None:
        return figures.NOT_AVAILABLE
    return f"{row.ci95[0]:.3f} to {row.ci95[1]:.3f}"


def reasons(comparison: Comparison, side: int) -> Iterator[tuple[str, str]]:
    """Why figures are inconclusive where no interval says so, as (names, reason)."""
    found: dict[str, list[str]] = {}
    for row in of_side(comparison, side):
        if row.verdict == "inconclusive" and row.ci95 is None:
            found.setdefault(row.reason, []).append(row.name)
    for reason, names in found.items():
        more = len(names) - 3
        yield ", ".join(names[:3]) + (f" and {more} more" if more > 0 else ""), reason


def differences(
    comparison: Comparison, side: int
) -> tuple[tuple[str, tuple[SideDifference, ...]], ...]:
    """What differs beside the figures, by heading; headings with nothing are left out."""
    groups = (
        ("Environment", comparison.environment_differences),
        ("Script and data", comparison.script_differences),
        ("Settings", comparison.knob_differences),
    )
    mine = ((name, tuple(row for row in rows if row.side == side)) for name, rows in groups)
    return tuple((name, rows) for name, rows in mine if rows)
