"""A Trace report on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gputune.report import figures, trace_rows
from gputune.report.ink import Ink
from gputune.schema.trace import TraceDevice, TraceHost, TraceReport

_NARROWEST: Final = 40
_LABELS: Final = 8
_MOST: Final = 5
"""Kernels and operations that are shown; the page has ten of each."""
_MOST_METRICS: Final = 6
_FIGURES: Final = 24
"""Columns of share, time and count before a kernel's name."""
_SHORTEST_NAME: Final = 24


def render_trace(report: TraceReport, *, width: int, color: bool, ascii_only: bool) -> str:
    """Return the summary of a trace for a terminal; the arguments are those of `render_profile`."""
    ink = Ink(width=max(width, _NARROWEST), color=color, ascii_only=ascii_only)
    return ink.draw(_blocks(report, ink))


def _blocks(report: TraceReport, ink: Ink) -> Iterator[RenderableType]:
    yield ink.text((report.verdict, "bold"))
    yield ""
    yield _overview(report, ink)
    for device in report.devices:
        if trace_rows.did_something(device):
            yield ""
            yield ink.text((trace_rows.title(device), "bold"))
            yield _parts(device, ink)
            yield _rows(device, ink)
    if report.host.pipeline:
        yield ""
        yield ink.text(("Input pipeline", "bold"), ", from the model to the source")
        yield _pipeline(report.host, ink)
    closing = _closing(report, ink)
    if closing.row_count:
        yield from ("", closing)


def _labelled() -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="bold", width=_LABELS)
    grid.add_column(overflow="fold")
    return grid


def _overview(report: TraceReport, ink: Ink) -> Table:
    grid = _labelled()
    grid.add_row("Trace", ink.text(trace_rows.file_text(report)))
    grid.add_row("Host", ink.text(trace_rows.host_text(report.host)))
    step = trace_rows.step_text(report.host)
    if step:
        grid.add_row("", ink.text(step))
    idle = trace_rows.idle_gpus(report)
    if idle:
        grid.add_row("Idle", ink.text(f"{idle} did nothing"))
    if not report.devices:
        for op in report.host.top_op_types[:_MOST]:
            text = f"{op.name} {figures.seconds(op.total_s)}, {figures.count(op.count)} times"
            grid.add_row("Op", ink.text(text))
    return grid


def _parts(device: TraceDevice, ink: Ink) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=_LABELS)
    for justify in ("left", "right", "right"):
        grid.add_column(justify=justify, overflow="fold")
    for part in trace_rows.parts(device):
        if part.seconds is not None and not part.seconds:
            continue
        grid.add_row(
            Text(""),
            ink.text(part.label),
            ink.text(figures.seconds(part.seconds)),
            "" if part.fraction is None else ink.text(figures.share(part.fraction)),
        )
    return grid


def _rows(device: TraceDevice, ink: Ink) -> Table:
    grid = _labelled()
    before = ""
    for row in trace_rows.device_rows(device):
        grid.add_row("" if row.label == before else row.label, ink.text(row.text))
        before = row.label
    longest = max(ink.width - _LABELS - _FIGURES, _SHORTEST_NAME)
    for label, entries in (("Kernel", device.top_kernels), ("Op type", device.top_op_types)):
        found = trace_rows.ranked(entries[:_MOST], longest)
        for at, (share, time, count, name) in enumerate(found):
            grid.add_row("" if at else label, ink.text(f"{share} {time}, {count} x {name}"))
    return grid


def _pipeline(host: TraceHost, ink: Ink) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("stage", overflow="fold")
    for name in ("calls", "time", "without its input", "in its function"):
        table.add_column(name, justify="right", overflow="fold")
    for cells in trace_rows.pipeline_rows(host):
        table.add_row(*(ink.text(cell) for cell in cells))
    return table


def _closing(report: TraceReport, ink: Ink) -> Table:
    grid = _labelled()
    for index, (reason, metrics) in enumerate(trace_rows.missing(report)):
        more = len(metrics) - _MOST_METRICS
        listed = ", ".join(metrics[:_MOST_METRICS]) + (f" and {more} more" if more > 0 else "")
        grid.add_row("" if index else figures.NOT_AVAILABLE, ink.text(f"{listed}: {reason}"))
    for index, note in enumerate(report.notes):
        grid.add_row("" if index else "Notes", ink.text(note))
    return grid
