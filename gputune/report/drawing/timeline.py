"""Curves over one time axis, one panel below the other, with the phases behind them.

A timeline is made twice, for a wide page and for a telephone: an SVG that is scaled down would
take its letters along.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gputune.report import figures
from gputune.report.drawing.scale import Scale, Tick, upright, upright_to_most
from gputune.report.literal import literal

WIDE: Final = 960
NARROW: Final = 344
_PANEL: Final = 104
_TITLE: Final = 24  # room above each panel for its title
_AXIS: Final = 24
_BANDS: Final = 18  # room above the panels for the names of the phases
_RIGHT: Final = 10
_LETTER: Final = 6.4  # about the width of one at 11 px

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What is to be drawn: (seconds, value), oldest first, NaN where a value is missing."""

    label: str
    points: Sequence[Point]
    dots: bool = False
    """Drawn as dots and not as a line."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """One panel to be: its curves share the vertical axis, and `text` writes its values."""

    title: str
    curves: Sequence[Curve]
    text: Callable[[float], str]
    rule: float | None = None
    """A value to be marked all along."""
    rule_text: str = ""
    top: float | None = None
    """The upper end of the axis, where it is known: 100 of percentages."""
    binary: bool = False
    """Whether the values are bytes, whose round numbers are those of 1024."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """A stretch of time with a name, as `Phase.spans_s` has them."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class DrawnCurve:
    """`lines` are SVG point lists, apart where values are missing; `dots` an SVG path."""

    label: str
    number: int
    lines: tuple[str, ...]
    dots: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A drawn panel between `top` and `bottom`."""

    title: str
    top: float
    bottom: float
    up: tuple[Tick, ...]
    curves: tuple[DrawnCurve, ...]
    rule: Tick | None


@dataclass(frozen=True, kw_only=True)
class DrawnBand:
    """A drawn stretch of time; `label` is empty where its name has no room."""

    name: str
    x: float
    width: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A whole drawing; `summary` says in words what it shows."""

    width: int
    height: float
    left: float
    right: float
    panels: tuple[Panel, ...]
    bands: tuple[DrawnBand, ...]
    across: tuple[Tick, ...]
    summary: str


def timelines(graphs: Sequence[Graph], bands: Sequence[Band] = ()) -> tuple[Timeline, ...]:
    """The drawing for a wide page and for a narrow one; nothing where no curve has two values."""
    known = [graph for graph in graphs if any(len(_finite(c)) > 1 for c in graph.curves)]
    if not known:
        return ()
    return tuple(_timeline(known, bands, width) for width in (WIDE, NARROW))


def _timeline(graphs: Sequence[Graph], bands: Sequence[Band], width: int) -> Timeline:
    left = 66.0 if width == WIDE else 54.0
    times = [t for graph in graphs for curve in graph.curves for t, _ in _finite(curve)]
    times += [t for band in bands for t in (band.begin_s, band.end_s)]
    along = Scale(low=min(times), high=max(times), start=left, end=width - _RIGHT)
    above = _BANDS if bands else 0
    panels = tuple(
        _panel(graph, along, above + index * (_PANEL + _TITLE) + _TITLE, width)
        for index, graph in enumerate(graphs)
    )
    return Timeline(
        width=width,
        height=panels[-1].bottom + _AXIS,
        left=left,
        right=width - _RIGHT,
        panels=panels,
        bands=_bands(bands, along),
        across=along.ticks(figures.seconds, 8 if width == WIDE else 3),
        summary="; ".join(_said(graph) for graph in graphs),
    )


def _panel(graph: Graph, along: Scale, top: float, width: int) -> Panel:
    bottom = top + _PANEL
    room = int(width / _LETTER / (len(graph.curves) + 1))
    values = [value for curve in graph.curves for _, value in _finite(curve)]
    if graph.rule is not None:
        values.append(graph.rule)
    if graph.top is not None:
        up = Scale(low=0.0, high=graph.top, start=bottom, end=top)
    elif any(curve.dots for curve in graph.curves):
        up = upright_to_most(values, top=top, bottom=bottom)
    else:
        up = upright(values, top=top, bottom=bottom)
    return Panel(
        title=_cut(graph.title, room) + _how(graph, values, up),
        top=top,
        bottom=bottom,
        up=up.ticks(graph.text, 3, binary=graph.binary),
        curves=tuple(
            DrawnCurve(
                label=_cut(curve.label, room),
                number=number,
                lines=() if curve.dots else _lines(curve.points, along, up),
                dots=_dots(curve, along, up) if curve.dots else "",
            )
            for number, curve in enumerate(graph.curves)
        ),
        rule=None if graph.rule is None else Tick(text=graph.rule_text, at=up(graph.rule)),
    )


def _how(graph: Graph, values: Sequence[float], up: Scale) -> str:
    """What a reader must know of the axis."""
    if up.logarithmic:
        return " (logarithmic)"
    if graph.top is None and max(values) > up.high:
        return f" (top edge: up to {graph.text(max(values))})"
    return ""


def _cut(text: str, room: int) -> str:
    """A text in a picture does not break: what has no room is left away."""
    shown = literal(text)
    return shown if len(shown) <= room else shown[: max(room - 1, 1)] + "…"


def _finite(curve: Curve) -> list[Point]:
    return [(t, v) for t, v in curve.points if math.isfinite(t) and math.isfinite(v)]


def _lines(points: Sequence[Point], along: Scale, up: Scale) -> tuple[str, ...]:
    runs: list[list[str]] = [[]]
    for t_s, value in points:
        if math.isfinite(t_s) and math.isfinite(value):
            runs[-1].append(f"{along(t_s):g},{up(value):g}")
        else:
            runs.append([])
    return tuple(" ".join(run) for run in runs if run)


def _dots(curve: Curve, along: Scale, up: Scale) -> str:
    """Strokes of no length: with round caps they are dots, and one element has them all."""
    return "".join(f"M{along(t):g} {up(value):g}h0" for t, value in _finite(curve))


def _bands(bands: Sequence[Band], along: Scale) -> tuple[DrawnBand, ...]:
    """The stretches; the widest of each name is labelled, if its name has room."""
    widest: dict[str, float] = {}
    for band in bands:
        widest[band.name] = max(widest.get(band.name, 0.0), band.end_s - band.begin_s)
    found = []
    for band in bands:
        x, end = along(band.begin_s), along(band.end_s)
        label = ""
        if band.end_s - band.begin_s == widest.get(band.name):
            widest.pop(band.name)
            label = band.name if end - x >= len(band.name) * _LETTER else ""
        width = max(round(end - x, 1), 0.5)
        found.append(DrawnBand(name=band.name, x=x, width=width, label=label))
    return tuple(found)


def _said(graph: Graph) -> str:
    parts = []
    for curve in graph.curves:
        values = [value for _, value in _finite(curve)]
        if values:
            name = graph.title if curve.label in ("", graph.title) else curve.label
            parts.append(f"{name} from {graph.text(min(values))} to {graph.text(max(values))}")
    return ", ".join(parts)
