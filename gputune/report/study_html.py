"""A Study as one page that needs nothing from outside, with the look of a profile's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from gputune.report import figures
from gputune.report import study_rows as rows
from gputune.report.chart import HEIGHT, WIDTH
from gputune.report.html import environment, json_address, json_in_script
from gputune.schema.study import Confirmation, Study, Trial

_LEFT: Final = 72
_RIGHT: Final = 8
_TOP: Final = 8
_BOTTOM: Final = 22


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A trial in the history: its place and its title."""

    x: float
    y: float
    state: str
    title: str


@dataclass(frozen=True, kw_only=True)
class History:
    """The trials in their order, and the best so far as the points of an SVG line."""

    dots: tuple[Dot, ...]
    best: str
    top: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar of a drawing: where it begins, how long it is, in the units of the drawing."""

    x: float
    width: float
    y: float
    state: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The trials over time, one below the other; `height` in the units of the drawing."""

    bars: tuple[Bar, ...]
    height: float
    end: str


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A candidate's interval in the units of the drawing; `one` is where 1 lies."""

    name: str
    low: float
    middle: float
    high: float
    one: float
    text: str


def render_study_page(study: Study, *, json_name: str = "study.json") -> str:
    """Return a complete HTML page of a study.

    The page holds the study's JSON too: in the element `#gputune-study`, and behind a link that
    saves it as `json_name`.
    """
    template = environment().get_template("study.html.j2")
    return template.render(
        study=study,
        rows=rows,
        figures=figures,
        history=history(study.trials),
        timeline=timeline(study.trials),
        intervals=[one for one in map(interval, study.confirmation) if one is not None],
        size=(WIDTH, HEIGHT),
        left=_LEFT,
        right=WIDTH - _RIGHT,
        bottom=HEIGHT - _BOTTOM,
        json_name=json_name,
        json_text=Markup(json_in_script(study)),
        json_address=json_address(study),
    )


def history(trials: tuple[Trial, ...]) -> History | None:
    """The drawing of the trials, None where fewer than two were measured."""
    known = [t.samples_per_s for t in trials if t.samples_per_s is not None]
    if len(known) < 2:
        return None
    high = max(known)
    step = (WIDTH - _LEFT - _RIGHT) / max(len(trials) - 1, 1)

    def across(index: int) -> float:
        return round(_LEFT + index * step, 1)

    def up(value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / high * (HEIGHT - _BOTTOM - _TOP), 1)

    dots = tuple(
        Dot(
            x=across(index),
            y=up(t.samples_per_s or 0.0),
            state=t.state,
            title=f"trial {t.number}: "
            + (figures.rate(t.samples_per_s, "samples") if t.samples_per_s else t.reason),
        )
        for index, t in enumerate(trials)
    )
    best = [
        f"{across(i)},{up(value)}"
        for i, value in enumerate(rows.best_so_far(trials))
        if value is not None
    ]
    return History(
        dots=dots, best=" ".join(best), top=figures.rate(high, "samples"),
        summary=f"{len(trials)} trials, the best at {figures.rate(high, 'samples')}",
    )  # fmt: skip


def timeline(trials: tuple[Trial, ...]) -> Timeline | None:
    """The drawing of when each trial ran, None where there is none."""
    end = max((t.began_s + t.duration_s for t in trials), default=0.0)
    if end <= 0:
        return None
    scale = (WIDTH - _LEFT - _RIGHT) / end
    bars = tuple(
        Bar(
            x=round(_LEFT + t.began_s * scale, 1),
            width=max(round(t.duration_s * scale, 1), 1.0),
            y=_TOP + 12.0 * index,
            state=t.state,
            title=f"trial {t.number}: {figures.seconds(t.duration_s)}, {t.state}",
        )
        for index, t in enumerate(trials)
    )
    return Timeline(bars=bars, height=_TOP + 12.0 * len(trials) + _BOTTOM, end=figures.seconds(end))


def interval(one: Confirmation) -> Interval | None:
    """The drawing of a confirmation's interval, 1 always in view; None without an interval."""
    if one.ratio is None or one.ci95 is None:
        return None
    low, high = one.ci95
    least, most = min(low, 1.0), max(high, 1.0)
    span = (most - least) or 1.0

    def at(value: float) -> float:
        return round(_LEFT + (value - least) / span * (WIDTH - _LEFT - _RIGHT), 1)

    return Interval(
        name=rows.spoken(one.candidate), low=at(low), middle=at(one.ratio), high=at(high),
        one=at(1.0), text=rows.confirmation_text(one),
    )  # fmt: skip
